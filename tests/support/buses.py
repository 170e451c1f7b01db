"""A broker of each kind for tests, and plain clients of it that may try anything."""

import asyncio
import shutil
import socket
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import aiomqtt
import pytest

from engine.api.errors import EngineGone
from engine.api.session import Session
from engine.bus import address
from engine.bus.accounts import Accounts
from engine.bus.attached import Bus
from engine.bus.broker import BrokerProcess, free_port, listens
from engine.bus.errors import BusOff, NoBroker
from engine.bus.link import MqttLink
from engine.bus.provider import Place, choose
from engine.bus.topics import Topics

REPO = "repo1"
NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


def provider_or_skip(name):
    try:
        return choose(name)
    except NoBroker as missing:
        pytest.skip(str(missing))


@contextmanager
def place(*accounts, repo=REPO):
    """Where a broker may be, in a folder short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="qd-bus-", dir="/tmp"))
    try:
        yield place_in(folder, *accounts, repo=repo)
    finally:
        shutil.rmtree(folder)


def place_in(folder, *accounts, repo=REPO):
    known = Accounts(folder / "bus", ("engine", *accounts))
    known.create()
    root = Topics(repo).root
    return Place(folder=folder / "bus", socket=folder / "b.sock", port=free_port(0), root=root, accounts=known)


@asynccontextmanager
async def running(name, *accounts):
    """A broker and where it is."""
    provider = provider_or_skip(name)
    with place(*accounts) as where:
        broker = await BrokerProcess.start(provider, where)
        try:
            await listening(where, broker)
            yield broker, where
        finally:
            await broker.close()


async def listening(where, broker):
    """Until it lets the engine in; no broker says when it is ready."""
    async with asyncio.timeout(20):
        by_tcp = replace(broker.address, socket=None, host="127.0.0.1", port=where.port)
        while not (listens(broker.address) and listens(by_tcp)):  # it opens one after the other
            assert not broker.gone.done(), broker.said
            await asyncio.sleep(0.02)
        async with login(where, "engine"):
            pass


def login(where, user, password=None, **options):
    """A plain client, by TCP as any other program."""
    password = where.accounts.file(user).read_text() if password is None else password
    return aiomqtt.Client(
        "127.0.0.1", where.port, username=user, password=password, socket_options=NODELAY, timeout=5, **options
    )


async def heard(client, fence, publish):
    """What a client is sent until `fence`, a topic that `publish` makes a message on: nothing is waited for."""
    await publish()
    found = []
    async with asyncio.timeout(10):
        async for message in client.messages:
            if str(message.topic) == fence:
                return found
            found.append((str(message.topic), bytes(message.payload)))
    raise AssertionError("the connection ended")


@asynccontextmanager
async def attached(name, engine, *accounts, **options):
    """The bus of an engine, which may not be up yet, and its folder."""
    if name != "auto":
        provider_or_skip(name)
    folder = Path(tempfile.mkdtemp(prefix="qd-bus-", dir="/tmp"))
    bus = Bus(
        engine,
        REPO,
        folder / "bus",
        folder / "b.sock",
        since=engine.seq,
        provider=name,
        accounts=accounts or ("ann", "bob"),
        **options,
    )
    try:
        yield bus, folder / "bus"
    finally:
        await bus.close()
        shutil.rmtree(folder)


async def linked(folder, user=""):
    """A link, as soon as there is a bus with an engine on it."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await MqttLink.connect(folder, user)
            except (BusOff, EngineGone):
                await asyncio.sleep(0.02)


async def session(folder, user=""):
    return await Session.open(await linked(folder, user))


async def by_hand(folder, user):
    """A plain client with that account, once the bus is up."""
    await (await linked(folder)).close()
    known = address.read(folder)
    where = Place(
        folder=folder,
        socket=folder,
        port=known.port,
        root=Topics(REPO).root,
        accounts=Accounts(folder, ("engine", *known.accounts)),
    )
    return login(where, user)


async def hold(name, folder):
    """Run a broker until somebody kills us."""
    where = place_in(folder, "ann")
    broker = await BrokerProcess.start(choose(name), where)
    await listening(where, broker)
    print(broker.pid, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1], Path(sys.argv[2])))
