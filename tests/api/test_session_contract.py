"""The session contract over the unix socket, by the fake and by the real engine."""

import pytest
from support.served import ServedReal
from support.session_contract import SessionContract

from engine.api.link import unix


@pytest.fixture
def link(served):
    return lambda: unix(served.path)


class TestASessionOfTheFakeEngine(SessionContract):
    """Fixtures are those of this folder."""


class TestASessionOfTheRealEngine(SessionContract):
    """The same, with agents that are programs."""

    @pytest.fixture
    def served(self, folder):
        with ServedReal(folder / "engine.sock") as engine:
            yield engine
