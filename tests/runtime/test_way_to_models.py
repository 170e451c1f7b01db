"""Tier by tier: a room's programs reach the models' gateway at its address, as that agent; nobody else's room does."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing

import pytest
from support.aio import run
from support.in_tiers import EVERY, each, tier_by
from support.machine import PLAIN, Machine, machine

from engine.processes.confinement.profile import LOOPBACK
from engine.processes.confinement.tiers import Tier
from engine.runtime.member import Place
from engine.runtime.room import Room
from engine.runtime.ways_out import MODELS_PORT, WayOut, WaysOut, WayToHosts, WayToModels, direct

ASK = """
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
except OSError as error:
    print(error)
"""


class Echo:
    """A gateway that says to everybody who it takes him for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.left: list[str] = []
        self._servers: dict[str, asyncio.Server] = {}

    async def serve(self, agent: str, listener: socket.socket) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.asked.append(agent)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + agent.encode())
            writer.close()
            await writer.wait_closed()

        assert agent not in self._servers, "an earlier listener was left"
        self._servers[agent] = await asyncio.start_server(answer, sock=listener)

    async def leave(self, agent: str) -> None:
        if server := self._servers.pop(agent, None):
            self.left.append(agent)
            server.close()
            await server.wait_closed()


def room(there: Machine, ways: WaysOut, tier: Tier, agent: str, models: Echo, declared: Iterable[str] = ()) -> Room:
    inside, cell, to_hosts = tier.name == "strong", None, None
    if tier.name != "unconfined":
        cell = there.cell(tier)
        to_hosts = WayToHosts(agent, "the settings", ways, inside=inside)
    return Room(PLAIN, cell, WayOut(to_hosts, WayToModels(agent, models, inside=inside), direct(tuple(declared))))


@asynccontextmanager
async def placed(there: Machine, *rooms: tuple[str, Room]) -> AsyncIterator[list[Place]]:
    places = [Place(name, there.records, of) for name, of in rooms]
    try:
        yield places
    finally:
        for place in places:
            await place.close()


async def asked(place: Place, there: Machine, base: str) -> str:
    done = await place([sys.executable, "-I", "-S", "-c", ASK, base], cwd=there.clone, env=dict(place.env))
    return (done.out + done.err).decode().strip()


def in_tier(mechanism, scenario) -> None:
    tier = tier_by(mechanism)
    with machine() as there, closing(WaysOut(there.records / "network.log", refused=print)) as ways:
        run(scenario(there, tier, ways))


@each(EVERY)
def test_a_program_is_answered_at_the_address_for_as_long_as_its_place_is_there(mechanism):
    async def scenario(there: Machine, tier: Tier, ways: WaysOut) -> None:
        models = Echo()
        async with placed(there, ("ann", room(there, ways, tier, "ann", models))) as (place,):
            assert place.base.startswith("http://127.0.0.1:")
            assert place.base.endswith(f":{MODELS_PORT}") == (tier.name == "strong")
            assert place.env["NO_PROXY"] == place.env["no_proxy"] == ",".join(LOOPBACK)
            assert await asked(place, there, place.base) == "ann", "past the proxy, which would have refused it"
            assert (await place.kill()).gone
            assert await asked(place, there, place.base.replace("127.0.0.1", "localhost")) == "ann", (
                "of a new keeper too"
            )
            base = place.base
        assert models.left[-1] == "ann"
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2])))

    in_tier(mechanism, scenario)


@each(EVERY)
def test_the_port_of_another_agent_is_not_reached_where_anything_is_confined(mechanism):
    async def scenario(there: Machine, tier: Tier, ways: WaysOut) -> None:
        models = Echo()
        rooms = [(name, room(there, ways, tier, name, models)) for name in ("ann", "bob")]
        async with placed(there, *rooms) as (ann, bob):
            for place in (ann, bob):
                assert await asked(place, there, place.base) == place.name
            models.asked.clear()
            said = await asked(bob, there, ann.base)
            if tier.name == "strong":
                assert (said, models.asked) == ("bob", ["bob"]), "the same address is another place"
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", MODELS_PORT))
            elif tier.name == "basic":
                assert "Permission denied" in said
                assert models.asked == []
            else:
                assert said == "ann", "so the gateway asks everybody for a token"

    in_tier(mechanism, scenario)


def test_a_declared_host_of_this_machine_is_asked_for_at_the_proxy_and_the_models_by_the_other_name():
    async def scenario(there: Machine, tier: Tier, ways: WaysOut) -> None:
        models = Echo()
        for declared, told in (("127.0.0.1:5000", "localhost"), ("LocalHost:11434", "127.0.0.1"), ("example.org", "")):
            made = room(there, ways, tier, "ann", models, [declared])
            assert made.env["NO_PROXY"] == (told or ",".join(LOOPBACK))
            assert made.base.startswith(f"http://{told or LOOPBACK[0]}:")
            await made.close()
        assert direct(["localhost:1", "127.0.0.1:2"]) == LOOPBACK, "somewhere the models have to be"
        async with placed(there, ("ann", room(there, ways, tier, "ann", models, ["127.0.0.1:5000"]))) as (place,):
            assert await asked(place, there, place.base) == "ann"
            assert "403" in await asked(place, there, "http://127.0.0.1:5000")

    in_tier("namespaces", scenario)


def test_a_room_without_models_has_no_address(tmp_path):
    assert Place("ann", tmp_path, Room(PLAIN)).base == ""
    assert "NO_PROXY" not in Room(PLAIN).env
