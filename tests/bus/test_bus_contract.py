"""The session contract over MQTT, by the fake and by the real engine, behind each broker."""

from contextlib import asynccontextmanager

import pytest
from support.buses import REPO, linked, provider_or_skip
from support.served import Served, ServedReal, short_folder
from support.session_contract import SessionContract

from engine.bus.attached import Bus


def on_the_bus(kind):
    """That kind of engine with a bus beside its socket."""

    class OnTheBus(kind):
        provider = "auto"

        @property
        def bus(self):
            return self.path.parent / "bus"

        @asynccontextmanager
        async def _made(self):
            async with super()._made() as (engine, ended):
                bus = Bus(
                    engine,
                    REPO,
                    self.bus,
                    self.path.parent / "b.sock",
                    since=engine.seq,
                    provider=self.provider,
                    accounts=("ann",),
                )
                try:
                    yield engine, ended
                finally:
                    await bus.close()

    return OnTheBus


class OverMqtt(SessionContract):
    """With the broker `provider`."""

    provider = "auto"
    kind = Served

    @pytest.fixture
    def served(self):
        provider_or_skip(self.provider)
        with short_folder() as folder:
            engine = on_the_bus(self.kind)(folder / "engine.sock")
            engine.provider = self.provider
            with engine:
                yield engine

    @pytest.fixture
    def link(self, served):
        return lambda: linked(served.bus, "ann")


class TestASessionByMosquitto(OverMqtt):
    """Of the fake engine."""

    provider = "mosquitto"


class TestASessionByAmqtt(OverMqtt):
    """Of the fake engine."""

    provider = "amqtt"


@pytest.mark.soak
class TestASessionOfTheRealEngineByMosquitto(OverMqtt):
    """With agents that are programs."""

    provider, kind = "mosquitto", ServedReal


@pytest.mark.soak
class TestASessionOfTheRealEngineByAmqtt(OverMqtt):
    """With agents that are programs."""

    provider, kind = "amqtt", ServedReal
