"""What one account may not do to another, or to the engine, behind each broker."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import aiomqtt
import pytest
from support.aio import run
from support.buses import heard, listening, login, provider_or_skip, running

from engine.bus.topics import Topics

T = Topics("repo1")
FENCE = T.event("fence")
both = pytest.mark.parametrize("name", ["mosquitto", "amqtt"])


async def subscribed(client, *filters, qos=1):
    for topic in filters:
        await client.subscribe(topic, qos)


def fence(engine):
    return lambda: engine.publish(FENCE, b"now", qos=1)


@both
def test_what_the_engine_says_reaches_every_account(name):
    async def scenario():
        async with running(name, "ann") as (_, where), login(where, "engine") as engine, login(where, "ann") as ann:
            await subscribed(ann, f"{T.root}/#")
            await engine.publish(T.agent("builder"), b"{}", qos=1)
            assert await heard(ann, FENCE, fence(engine)) == [(T.agent("builder"), b"{}")]

    run(scenario())


@both
def test_what_is_retained_reaches_only_who_subscribed_to_it(name):
    async def scenario():
        async with running(name, "ann", "bob") as (_, where), login(where, "engine") as engine:
            await engine.publish(T.reply("bob", "s1"), b"for bob", qos=1, retain=True)
            await engine.publish(T.task("a"), b"a task", qos=1, retain=True)
            async with login(where, "bob") as bob:
                await subscribed(bob, T.reply("bob", "+"), T.task("+"))
                async with login(where, "ann") as ann:  # holds no subscription when she connects
                    await subscribed(ann, FENCE)
                    assert await heard(ann, FENCE, fence(engine)) == []
                    await subscribed(ann, f"{T.root}/#")
                    assert await heard(ann, FENCE, fence(engine)) == [(T.task("a"), b"a task")]

    run(scenario())


NOT_ANNS = (
    T.presence,
    T.state,
    T.agent("builder"),
    T.task("a"),
    T.event("run_ended"),
    T.command("bob"),
    T.command("bob", "s1"),
    T.reply("bob"),
    T.reply("ann"),
    "qd1/other/engine/state",
)


@both
def test_a_forged_message_reaches_nobody(name):
    """As the engine, as another account, on another repository's topics; retained or not."""

    async def scenario():
        async with (
            running(name, "ann", "bob") as (_, where),
            login(where, "engine") as engine,
            login(where, "bob") as bob,
            login(where, "ann") as ann,
        ):
            await subscribed(engine, "#")
            await subscribed(bob, "#")
            for topic in NOT_ANNS:
                for retain in (False, True):
                    await ann.publish(topic, b"forged", qos=1, retain=retain)
            await ann.publish(T.command("ann"), b"last", qos=1)
            assert await heard(engine, T.command("ann"), lambda: asyncio.sleep(0)) == []
            assert await heard(bob, FENCE, fence(engine)) == []
            await subscribed(bob, *NOT_ANNS)
            assert await heard(bob, FENCE, fence(engine)) == []

    run(scenario())


@both
def test_a_forged_last_will_reaches_nobody(name):
    async def scenario():
        async with running(name, "ann", "bob") as (_, where), login(where, "engine") as engine:
            await subscribed(engine, "#")
            for topic in (T.presence, T.command("bob")):
                await die(where, "ann", aiomqtt.Will(topic, b"forged", qos=1, retain=True))
            await die(where, "ann", aiomqtt.Will(T.command("ann", "s1"), b"true", qos=1))
            last = T.command("ann", "s1")
            assert await heard(engine, last, lambda: asyncio.sleep(0)) == []

    run(scenario())


async def die(where, user, will):
    """Connect with a last will and fall silent without a word of farewell."""
    client = login(where, user, will=will)
    async with client:
        client._client._sock.shutdown(2)
        with pytest.raises(aiomqtt.MqttError):
            await anext(client.messages)


@both
def test_a_reply_is_for_its_account_alone(name):
    async def scenario():
        async with (
            running(name, "ann", "bob") as (_, where),
            login(where, "engine") as engine,
            login(where, "ann") as ann,
            login(where, "bob") as bob,
        ):
            await subscribed(bob, T.reply("bob", "#"))
            await subscribed(
                ann, T.reply("bob"), T.reply("bob", "#"), T.command("bob", "#"), f"{T.root}/ui/#", FENCE, "#"
            )
            await engine.publish(T.reply("bob"), b"a", qos=1)
            await engine.publish(T.reply("bob", "s1"), b"b", qos=1)
            await bob.publish(T.command("bob"), b"c", qos=1)
            assert await heard(ann, FENCE, fence(engine)) == []
            got = [bytes((await anext(bob.messages)).payload) for _ in range(2)]
            assert got == [b"a", b"b"]

    run(scenario())


@both
@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("thief", ["ann", "nobody"])
def test_the_client_id_of_another_opens_nothing(name, clean, thief):
    """By somebody with an account, and by somebody without."""

    async def scenario():
        async with (
            running(name, "ann", "bob") as (_, where),
            login(where, "engine") as engine,
            login(where, "bob", identifier="bobs") as bob,
        ):
            await subscribed(bob, T.reply("bob"), FENCE)
            client = login(where, thief, "wrong" if thief == "nobody" else None, identifier="bobs", clean_session=clean)
            stolen = []
            try:
                async with client as ann:
                    await subscribed(ann, T.reply("bob"), FENCE)
                    await engine.publish(T.reply("bob"), b"secret", qos=1)
                    stolen = await heard(ann, FENCE, fence(engine))
            except aiomqtt.MqttError:
                assert thief == "nobody"
                await engine.publish(T.reply("bob"), b"secret", qos=1)
                assert await heard(bob, FENCE, fence(engine)) == [(T.reply("bob"), b"secret")]
            assert stolen == []

    run(scenario())


@both
@pytest.mark.parametrize(("user", "password"), [("engine", "wrong"), ("nobody", "x"), ("engine", ""), (None, None)])
def test_nobody_comes_in_without_the_password(name, user, password):
    async def scenario():
        async with running(name, "ann") as (_, where):
            client = aiomqtt.Client("127.0.0.1", where.port, username=user, password=password, timeout=5)
            with pytest.raises(aiomqtt.MqttError):
                await client.__aenter__()

    run(scenario())


@both
def test_it_listens_on_loopback_only(name):
    async def scenario():
        async with running(name, "ann") as (broker, where):
            assert sockets(family(broker.pid)) == {("127.0.0.1", where.port)}

    run(scenario())


def family(pid):
    found = [pid]
    for one in found:
        found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def sockets(pids):
    """Addresses these processes listen at, of any family."""
    inodes = set()
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                inodes.add(str(fd.readlink()).removeprefix("socket:[").rstrip("]"))
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if rest[5] in inodes and state in {"0A", "07"}:
                address, port = local.split(":")
                parts = bytes.fromhex(address)[::-1]
                found.add((".".join(map(str, parts)), int(port, 16)))
    return found


@both
def test_secrets_are_in_no_argument_and_no_environment(name):
    async def scenario():
        async with running(name, "ann") as (broker, where):
            secrets = [where.accounts.file(user).read_bytes() for user in where.accounts.names]
            assert all(len(secret) > 40 for secret in secrets)
            for pid in family(broker.pid):
                told = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
                assert not any(secret in told for secret in secrets)
            for file in where.folder.iterdir():
                assert file.stat().st_mode & 0o077 == 0
                if file.suffix != ".password":
                    assert not any(secret in file.read_bytes() for secret in secrets)
            assert where.folder.stat().st_mode & 0o077 == 0

    run(scenario())


@both
def test_a_message_that_is_too_large_is_refused_and_the_broker_goes_on(name):
    async def scenario():
        async with running(name, "ann", "bob") as (_, where), login(where, "engine") as engine:
            await subscribed(engine, T.command("+"))
            async with login(where, "ann", keepalive=5) as ann:
                with contextlib.suppress(aiomqtt.MqttError):  # a broker may throw her out, or let it fall
                    await ann.publish(T.command("ann"), b"x" * (2 << 20), qos=1, timeout=0.5)
            async with login(where, "bob") as bob:
                await bob.publish(T.command("bob"), b"small", qos=1)
            found = await heard(engine, T.command("bob"), lambda: asyncio.sleep(0))
            assert all(len(payload) < 10 for _, payload in found)

    run(scenario())


@both
def test_garbage_before_a_greeting_disturbs_nobody(name):
    async def scenario():
        async with running(name, "ann") as (_, where), login(where, "engine") as engine, login(where, "ann") as ann:
            for noise in (b"\xff" * 100, b"\x10\xff\xff\xff\x7f", b"GET / HTTP/1.1\r\n\r\n", b"\x10\x00", b""):
                reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
                with contextlib.suppress(OSError):  # it may hang up at any point of this
                    writer.write(noise)
                    writer.write_eof()
                    async with asyncio.timeout(5):
                        await reader.read()
                writer.close()
            await subscribed(ann, T.agent("+"))
            await subscribed(ann, FENCE)
            assert await heard(ann, FENCE, fence(engine)) == []

    run(scenario())


@both
def test_the_broker_dies_with_an_engine_that_is_killed(name, tmp_path):
    """Whoever started it is killed with -9; nothing of the broker is left."""
    provider_or_skip(name)
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'tests'}"}
    argv = [sys.executable, "-m", "support.buses", name, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment) as starter:
        try:
            pids = family(int(starter.stdout.readline()))
            assert len(pids) == 2
            ends = [os.pidfd_open(pid) for pid in pids]
        finally:
            starter.kill()
    assert [gone(end) for end in ends] == [True, True]


@both
def test_the_broker_dies_with_its_guard(name):
    async def scenario():
        async with running(name, "ann") as (broker, _):
            guard, server = family(broker.pid)
            end = os.pidfd_open(server)
            os.kill(guard, signal.SIGKILL)
            assert gone(end)
            await broker.gone

    run(scenario())


def gone(end):
    try:
        return bool(select.select([end], [], [], 10)[0])
    finally:
        os.close(end)


@both
def test_a_broker_that_ends_says_so(name):
    async def scenario():
        async with running(name, "ann") as (broker, where):
            os.kill(family(broker.pid)[1], signal.SIGKILL)
            async with asyncio.timeout(10):
                await broker.gone
            assert "ended with status 137" in str(broker.failed())
            again = await type(broker).start(provider_or_skip(name), where)  # at the same place
            await listening(where, again)
            await again.close()

    run(scenario())
