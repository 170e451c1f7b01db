"""The client protocol over MQTT: sessions, commands by hand, and what becomes of them when a broker dies."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from pathlib import Path

import aiomqtt
import msgspec
import pytest
from support.aio import run
from support.buses import attached, by_hand, linked, session
from support.fake_engine import FakeEngine

from engine.api.calls import CallRefused, RunRequest
from engine.api.errors import EngineGone
from engine.bus import dial, doors, provider, wire
from engine.bus.topics import Topics
from engine.core import commands as c

T = Topics("repo1")
GOAL = RunRequest(goal="mend it")
both = pytest.mark.parametrize("name", ["mosquitto", "amqtt"])


def notices(engine, count, size=0):
    for number in range(count):
        engine.do(c.Noticed(text=f"{number} {'x' * size}"))


async def seqs(session, count):
    found = []
    async with asyncio.timeout(30):
        async for event in session:
            found.append(event.seq)
            if len(found) == count:
                return found
    raise AssertionError("it ended")


@both
def test_a_session_asks_and_follows(name):
    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder):
            client = await session(folder, "ann")
            assert (client.engine.version, client.engine.seq) == (engine.version, 1)
            await client.subscribe(0)
            assert await client.start_run(GOAL) == "r1"
            asked = await client.submit(c.PauseAgent(agent="builder"), actor="bob")
            assert asked[0]["actor"] == "ann"  # whose account it is, not what she says
            assert (await client.status())["run"]["id"] == "r1"
            with pytest.raises(CallRefused, match='no agent "nobody"'):
                await client.kill("nobody")
            assert await seqs(client, engine.seq) == list(range(1, engine.seq + 1))
            await client.close()

    run(scenario())


@both
def test_two_programs_with_one_account_do_not_mix(name):
    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder):
            one, two = await session(folder, "ann"), await session(folder, "ann")
            await one.subscribe(0)
            notices(engine, 50)
            assert (await two.status())["engine"]["seq"] == 51
            assert await seqs(one, 51) == list(range(1, 52))
            await two.close()
            assert (await one.status())["engine"]["seq"] == 51
            await one.close()

    run(scenario())


@both
def test_an_answer_that_is_larger_than_a_message_arrives(name):
    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder):
            client = await session(folder)
            text = "ü" * (2 << 20)
            engine.status = lambda: {"text": text, "run": None, "agents": [], "tasks": [], "approvals": []}
            assert (await client.status())["text"] == text
            await client.close()

    run(scenario())


@both
def test_a_question_that_is_larger_than_a_message_arrives(name):
    async def scenario():
        engine, received = FakeEngine(), []

        async def submit(request, *, actor):
            received.append(request)
            return []

        engine.submit = submit
        async with attached(name, engine) as (_, folder):
            client = await session(folder)
            request = c.StopRun(reason="x" * (3 << 20))
            await client.submit(request)
            assert received == [request]
            await client.close()

    run(scenario())


@both
def test_a_client_that_takes_nothing_is_waited_for_by_the_engine_and_not_by_the_broker(name):
    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder):
            slow, quick = await linked(folder, "ann"), await session(folder, "bob")
            await slow.send(b'{"frame":"hello","protocol":1,"version":"%b"}\n' % engine.version.encode())
            await slow.send(b'{"frame":"subscribe","since":0}\n')
            for _ in range(12):
                notices(engine, 1000, 1000)
                await quick.status()
            await quick.subscribe(0)
            await seqs(quick, engine.seq)  # by now the slow one would have as many, if they were sent
            waiting = len(slow._messages)
            assert waiting <= wire.WINDOW
            found = []
            async with asyncio.timeout(30):
                while len(found) < engine.seq:
                    frame = msgspec.json.decode(await slow.receive())
                    if frame["frame"] == "published":
                        found.append(frame["event"]["seq"])
            assert found == list(range(1, engine.seq + 1))
            await slow.close()
            await quick.close()

    run(scenario())


@both
def test_ten_viewers_see_every_event(name):
    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder):
            viewers = [await session(folder) for _ in range(10)]
            for viewer in viewers:
                await viewer.subscribe(0)
            notices(engine, 500, 100)
            for viewer in viewers:
                assert await seqs(viewer, 501) == list(range(1, 502))
                await viewer.close()

    run(scenario())


@both
def test_a_lost_message_ends_the_session_with_words(name):
    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder):
            client = await session(folder, "ann")
            await client.subscribe(0)
            async with await by_hand(folder, "engine") as lossy:
                await lossy.publish(client._link._reply, wire.from_engine(99, b"{}\n"), qos=1)
                with pytest.raises(EngineGone, match="lost"):
                    await seqs(client, 99)
            await client.close()

    run(scenario())


@both
def test_every_viewer_has_every_event_after_the_broker_was_killed(name):
    """The engine goes on as if nothing were; viewers come back and go on from their last event."""

    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (bus, folder):
            seen = [[] for _ in range(3)]
            viewers = [asyncio.create_task(watch(folder, mine, 1201)) for mine in seen]
            for round_ in range(3):
                notices(engine, 200)
                async with asyncio.timeout(30):
                    while min(map(len, seen)) < 400 * round_ + 150:
                        await asyncio.sleep(0.01)
                os.kill(broker_of(bus), signal.SIGKILL)
                notices(engine, 200)  # while there is none
            async with asyncio.timeout(60):
                await asyncio.gather(*viewers)
            assert all(mine == list(range(1, 1202)) for mine in seen)

    run(scenario())


async def watch(folder, seen, until):
    """What a viewer does: connect, go on from the last event, and again when that ends."""
    while len(seen) < until:
        client = await session(folder)
        try:
            await client.subscribe(len(seen))
            async for event in client:
                seen.append(event.seq)
                if len(seen) == until:
                    break
        except EngineGone:
            pass
        finally:
            await client.close()


def broker_of(bus):
    (guard,) = [pid for pid in children(os.getpid()) if pid == bus.broker]
    (server,) = children(guard)
    return server


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


@both
def test_what_is_retained_is_there_again_after_the_broker_was_killed(name):
    async def scenario():
        engine = FakeEngine()
        await engine.start_run(GOAL, actor="ann")
        async with attached(name, engine) as (bus, folder):
            first = await retained(folder)
            assert {T.presence, T.state, T.agent("builder"), T.task("parse"), T.task("print")} <= set(first)
            status = engine.status()
            agent = {key: value for key, value in status["agents"][0].items() if key != "age"}
            assert json.loads(first[T.agent("builder")]) == agent
            assert json.loads(first[T.state])["run"]["goal"] == "mend it"
            os.kill(broker_of(bus), signal.SIGKILL)
            await bus_is(bus, "down")
            again = await retained(folder)
            assert {**again, T.presence: ""} == {**first, T.presence: ""}

    run(scenario())


async def bus_is(bus, state):
    async with asyncio.timeout(20):
        while bus.status()["state"] != state:
            await asyncio.sleep(0)


async def retained(folder):
    """Everything a new subscriber is sent at once."""
    async with await by_hand(folder, "ann") as ann:
        await ann.subscribe(f"{T.root}/#", 1)
        found = {}
        async with asyncio.timeout(20):
            async for message in ann.messages:
                found[message.topic.value] = bytes(message.payload)
                if {T.presence, T.state, T.agent("builder"), T.task("parse"), T.task("print")} <= set(found):
                    return found
    raise AssertionError("it ended")


@both
def test_only_what_changed_is_said_again(name):
    async def scenario():
        engine = FakeEngine()
        await engine.start_run(GOAL, actor="ann")
        async with attached(name, engine) as (_, folder), await by_hand(folder, "ann") as ann:
            await retained(folder)
            await ann.subscribe([(T.agent("+"), 1), (T.event("#"), 1)])
            async with asyncio.timeout(10):
                kept = {(await anext(ann.messages)).topic.value for _ in range(2)}
                assert kept == {T.agent("builder"), T.agent("reviewer")}
                engine.do(c.PauseAgent(agent="builder"), "ann")
                engine.do(c.Froze(agent="builder", processes=1))
                topics = []
                while T.agent("builder") not in topics:
                    topics.append((await anext(ann.messages)).topic.value)
            assert T.agent("reviewer") not in topics

    run(scenario())


@both
def test_what_agents_print_is_on_their_log_topics(name):
    async def scenario():
        engine = FakeEngine()
        await engine.start_run(GOAL, actor="ann")
        async with attached(name, engine) as (_, folder), await by_hand(folder, "ann") as ann:
            await ann.subscribe(T.log("+"), 0)
            await retained(folder)
            engine.say("builder", "one\ntwo\n")
            async with asyncio.timeout(10):
                message = await anext(ann.messages)
            said = json.loads(message.payload)
            assert (message.topic.value, said["text"], said["offset"]) == (T.log("builder"), "one\ntwo\n", 0)

    run(scenario())


@both
def test_a_foreign_program_follows_and_steers_with_bare_frames(name):
    async def scenario():
        engine = FakeEngine()
        await engine.start_run(GOAL, actor="ann")
        async with attached(name, engine) as (_, folder), await by_hand(folder, "ann") as ann:
            await ann.subscribe([(T.reply("ann"), 1), (T.event("agent_pause_asked"), 1)])
            frame = {"frame": "submit", "id": 1, "request": {"do": "pause_agent", "agent": "builder"}, "actor": "bob"}
            await ann.publish(T.command("ann"), json.dumps(frame), qos=1)
            found = await gathered(ann, "done", T.event("agent_pause_asked"))
            (event,) = found[T.event("agent_pause_asked")]
            assert (event["agent"], event["actor"]) == ("builder", "ann")
            assert next(frame for frame in found[T.reply("ann")] if frame["frame"] == "done")["id"] == 1

    run(scenario())


async def gathered(client, word, *topics):
    """What comes, until each topic had something and a reply said `word`."""
    found = {}
    async with asyncio.timeout(10):
        async for message in client.messages:
            for line in bytes(message.payload).splitlines():
                found.setdefault(message.topic.value, []).append(json.loads(line))
            replies = [frame["frame"] for frame in found.get(T.reply("ann"), [])]
            if word in replies and all(topic in found for topic in topics):
                return found
    raise AssertionError("it ended")


NOISE = (
    (b"\xff\xfe", "no frame"),
    (b"{}", "no frame"),
    (b'{"frame":"submit","id":1,"request":{"do":"rm"}}', "no frame"),
    (b'{"frame":"subscribe","since":0}', "by hand"),
    (b'{"frame":"follow","id":1}', "by hand"),
    (b'{"frame":"hello","protocol":1,"version":"1"}', "hello"),
    (b"\n" + b"[" * 100_000, "no frame"),
)


@both
def test_garbage_is_answered_and_harms_nobody(name):
    async def scenario():
        async with attached(name, FakeEngine()) as (_, folder), await by_hand(folder, "ann") as ann:
            other = await session(folder, "ann")
            await ann.subscribe(T.reply("ann"), 1)
            for noise, words in NOISE:
                await ann.publish(T.command("ann"), noise, qos=1)
                found = await gathered(ann, "error")
                assert words in found[T.reply("ann")][-1]["reason"]
            await ann.publish(T.command("ann"), b'{"frame":"query","id":7,"what":"status"}', qos=1)
            assert (await gathered(ann, "done"))[T.reply("ann")][-1]["id"] == 7
            for payload in (b"", b"1", b"x y\nz", b"2 0\n{}", b"-1 0\n", b"1 99\n", b"\xff" * 1000):
                await ann.publish(T.command("ann", "s1"), payload, qos=1)
                await ann.publish(T.command("ann", "a/b"), payload, qos=1)
            assert (await other.status())["engine"]
            await other.close()

    run(scenario())


def test_a_command_that_is_retained_is_not_given_again():
    """A broker hands it to each new subscriber, and says so: to the engine it is nobody's."""

    class Broker:
        async def subscribe(self, topics):
            pass

        async def publish(self, *_, **__):
            pass

        @property
        async def messages(self):
            for retain in (True, False):
                yield aiomqtt.Message(T.command("ann"), b"{}", 1, retain, 1, None)

    class Doors:
        taken = 0

        async def take(self, topic, payload):
            self.taken += 1

    async def scenario():
        async with attached("auto", FakeEngine()) as (bus, _):
            doors = Doors()
            await bus._listen(Broker(), doors, wire.Presence(state="here"), asyncio.Event())
            assert doors.taken == 1

    run(scenario())


@both
def test_the_engine_hears_of_clients_that_come_go_and_are_killed(name):
    async def scenario():
        counts = asyncio.Queue()
        async with attached(name, FakeEngine(), changed=counts.put_nowait) as (_, folder):
            async with asyncio.timeout(20):
                one, two = await session(folder), await session(folder)
                assert [await counts.get() for _ in range(2)] == [1, 2]
                await one.close()
                assert await counts.get() == 1
                two._link._mqtt._client._sock.shutdown(2)  # its last will says it
                assert await counts.get() == 0
                with contextlib.suppress(EngineGone):
                    await two.close()

    run(scenario())


@both
def test_a_broker_that_hangs_slows_nobody_and_is_replaced(name, monkeypatch):
    monkeypatch.setattr(dial, "TIMEOUT", 1.0)

    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (bus, folder):
            await (await session(folder)).close()
            first = bus.broker
            os.kill(broker_of(bus), signal.SIGSTOP)
            turns = 0
            async with asyncio.timeout(60):
                while bus.broker in {0, first}:
                    notices(engine, 1)
                    await asyncio.sleep(0.005)
                    turns += 1
            assert turns > 50  # the loop never stood still
            viewer = await session(folder)
            await viewer.subscribe(0)
            assert await seqs(viewer, engine.seq) == list(range(1, engine.seq + 1))
            await viewer.close()

    run(scenario())


@both
def test_a_port_that_is_taken_is_told_and_tried_again(name):
    async def scenario():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            async with attached(name, FakeEngine(), port=port) as (bus, folder):
                await bus_is(bus, "down")
                assert name in bus.status()["reason"]
                taken.close()
                await (await session(folder)).close()
                assert bus.status()["port"] == port

    run(scenario())


def test_without_a_broker_it_is_off_and_says_why(monkeypatch):
    monkeypatch.setattr(provider, "found", list)

    async def scenario():
        async with attached("auto", FakeEngine()) as (bus, _):
            await bus_is(bus, "off")
            assert "mosquitto" in bus.status()["reason"]

    run(scenario())


@both
def test_an_account_has_so_many_sessions_and_no_more(name, monkeypatch):
    monkeypatch.setattr(doors, "SESSIONS", 2)

    async def scenario():
        async with attached(name, FakeEngine()) as (_, folder):
            two = [await session(folder, "ann") for _ in range(2)]
            with pytest.raises(EngineGone):
                await session(folder, "ann")
            await (await session(folder, "bob")).close()
            await two[0].close()
            two[0] = await session(folder, "ann")
            for one in two:
                await one.close()

    run(scenario())


@both
def test_the_end_of_the_engine_is_told_after_its_last_event(name):
    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (bus, folder):
            client = await session(folder)
            await client.subscribe(0)
            await client.end()
            closing = asyncio.create_task(bus.close())
            assert await seqs(client, 2) == [1, 2]
            with pytest.raises(EngineGone, match="the engine ended"):
                await anext(client)
            await client.close()
            await closing
            assert bus.status() == {"state": "off"}

    run(scenario())


@both
def test_status_says_how_to_connect_and_no_password(name):
    async def scenario():
        async with attached(name, FakeEngine()) as (bus, folder):
            await (await session(folder)).close()
            told = bus.status()
            assert (told["state"], told["provider"], told["host"], told["user"]) == ("up", name, "127.0.0.1", "ann")
            assert told["password_file"] == str(folder / "ann.password")
            assert told["topics"] == T.root
            assert told["options"] == str(folder / "ann")
            for path in (folder, *folder.rglob("*")):
                assert path.stat().st_mode & 0o077 == 0, path
            for file in folder.glob("*.password"):
                assert file.read_text() not in json.dumps(told)

    run(scenario())
