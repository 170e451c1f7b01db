"""The client contract over the unix socket, by the fake and by the real engine."""

import pytest
from support.client_contract import ClientContract
from support.served import ServedReal


class TestTheFakeEngine(ClientContract):
    """Fixtures are those of this folder."""


class TestTheRealEngine(ClientContract):
    """The same, with agents that are programs."""

    @pytest.fixture
    def served(self, folder):
        with ServedReal(folder / "engine.sock") as engine:
            yield engine
