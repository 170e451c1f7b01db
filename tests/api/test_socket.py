"""What is particular to the unix socket: who gets in, bad frames, versions, death and hanging."""

import os
import random
import signal
import socket
import stat
import struct
import threading
import time

import msgspec
import pytest
from support.aio import run
from support.fake_engine import FakeEngine
from support.served import Served, own_process

from engine.api import frames, wire
from engine.api.calls import PROTOCOL, CallRefused, RunRequest
from engine.api.client import Client
from engine.api.errors import EngineGone, NoEngine, UnsafeSocket, WrongVersion
from engine.api.server import Server, _same_user
from engine.api.version import VERSION
from engine.core import commands as c

HELLO = frames.encode(frames.Hello(protocol=PROTOCOL, version=VERSION))


def raw(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10)
    peer.connect(str(path))
    return peer


def answers(peer):
    """All that the engine sends until it closes."""
    data = b""
    while True:
        try:
            chunk = peer.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            return [msgspec.json.decode(line) for line in data.splitlines()]
        data += chunk


def send_quietly(peer, data):
    try:
        peer.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


# -- who gets in ---------------------------------------------------------------------------------------------------


def test_the_socket_is_closed_to_others(served):
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600


def test_a_folder_open_to_others_is_refused(folder):
    folder.chmod(0o755)
    with pytest.raises(UnsafeSocket, match="chmod 700"):
        run(Server(None, folder / "s").start())


def test_a_folder_that_is_made_is_private(folder):
    with Served(folder / "new" / "s"):
        assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o700


class PeerOf:
    def __init__(self, uid):
        self.uid = uid

    def getsockopt(self, *_):
        return struct.pack("3i", 1, self.uid, 1)


def test_another_user_is_not_let_in():
    assert _same_user(PeerOf(os.geteuid()))
    assert not _same_user(PeerOf(os.geteuid() + 1))


def test_a_dead_engines_socket_is_replaced_and_ours_removed_at_the_end(folder):
    path = folder / "s"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    with pytest.raises(NoEngine):
        Client.connect(path)
    with Served(path), Client.connect(path) as client:
        assert client.status()["engine"]
    assert not path.exists()


def test_no_engine(folder):
    with pytest.raises(NoEngine, match="no engine runs here"):
        Client.connect(folder / "nobody")


def test_clients_are_counted_once_welcomed(served):
    silent = raw(served.path)
    with Client.connect(served.path), Client.connect(served.path):
        served.wait_for_clients(2)
    served.wait_for_clients(0)
    silent.close()
    assert served.counts == [1, 2, 1, 0]


# -- versions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def newer(folder):
    with Served(folder / "s", version="9.9.9") as served:
        yield served


def test_another_version_is_told_with_the_way_out(newer):
    with pytest.raises(WrongVersion, match=r"version 9\.9\.9, this is version .*quarterdeck down") as wrong:
        Client.connect(newer.path)
    assert (wrong.value.engine, wrong.value.pid) == ("9.9.9", os.getpid())


def test_an_engine_of_another_version_can_be_ended_and_nothing_else(newer):
    with Client.connect(newer.path, any_version=True) as client:
        with pytest.raises(CallRefused, match="quarterdeck down") as no:
            client.status()
        assert no.value.code == "version"
        client.end()
        with pytest.raises(EngineGone):
            client.status()


def test_another_protocol_is_told(served):
    with raw(served.path) as peer:
        peer.sendall(frames.encode(frames.Hello(protocol=99, version=VERSION)))
        peer.sendall(frames.encode(frames.Query(id=1, what="status")) + b"end\n")
        welcome, refused, error = answers(peer)
    assert (welcome["frame"], welcome["protocol"]) == ("welcome", PROTOCOL)
    assert (refused["frame"], refused["code"]) == ("refused", "version")
    assert error["frame"] == "error"


# -- bad frames ----------------------------------------------------------------------------------------------------

BAD = [
    b"garbage\n",
    b"\n",
    b"\xff\xfe\x00\n",
    b"[" * 100_000 + b"\n",
    b'{"frame":"submit","id":1}\n',
    b'{"frame":"submit","id":1,"request":{"do":"format_disk"}}\n',
    b'{"frame":"submit","id":1,"request":{"do":"stop_run"},"actor":"engine"}\n',
    b'{"frame":"submit","id":1,"request":{"do":"stop_run"},"actor":"a\\u001b"}\n',
    b'{"frame":"subscribe","since":-1}\n',
    b'{"frame":"subscribe","since":99999999999999999999999}\n',
    b'{"frame":"query","id":1,"what":"passwords"}\n',
    b'{"frame":"nothing"}\n',
    b'{"frame":"welcome"}\n',
    HELLO,
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_a_bad_frame_is_answered_and_ends_only_its_client(served, bad):
    with Client.connect(served.path) as other, raw(served.path) as peer:
        peer.sendall(HELLO + bad)
        welcome, error = answers(peer)
        assert (welcome["frame"], error["frame"]) == ("welcome", "error")
        assert error["reason"]
        assert other.status()["engine"]


def test_the_first_frame_must_be_a_hello(served):
    with raw(served.path) as peer:
        peer.sendall(b'{"frame":"end","id":1}\n')
        (error,) = answers(peer)
    assert (error["frame"], error["code"]) == ("error", "hello")
    assert not served.engine.ended.is_set()


def test_a_frame_without_end_is_cut_off(served):
    with Client.connect(served.path) as other, raw(served.path) as peer:
        peer.sendall(HELLO)
        send_quietly(peer, b'{"frame":"' + b"x" * (2 * frames.MAX_FRAME + 1_000_000))
        assert [answer["frame"] for answer in answers(peer)] == ["welcome", "error"]
        assert other.status()["engine"]


def test_a_request_that_is_too_large_is_not_sent(served):
    with Client.connect(served.path) as client:
        with pytest.raises(CallRefused, match="too large"):
            client.submit(c.SteerAgent(agent="a", text="x" * frames.MAX_FRAME))
        assert client.status()["engine"]


def test_a_second_subscription_begins_anew_and_says_where(served):
    served.notice("a", "b")
    with raw(served.path) as peer, peer.makefile("rb") as lines:
        peer.sendall(HELLO + b'{"frame":"subscribe","since":2}\n{"frame":"subscribe","since":1}\n')
        told = map(msgspec.json.decode, lines)
        while next(told) != {"frame": "subscribed", "since": 1}:
            pass
        assert [next(told)["event"]["seq"] for _ in range(2)] == [2, 3]


def test_random_bytes_never_harm_the_engine(served):
    rng = random.Random(7)
    pieces = [HELLO, b"\n", b'{"frame":"', b'"ping"}', b"{", b"}", b'"', b'{"frame":"ping"}\n', *BAD]
    for _ in range(150):
        noise = b"".join(
            rng.choice(pieces) if rng.random() < 0.7 else rng.randbytes(rng.randrange(200)) for _ in range(8)
        )
        with raw(served.path) as peer:
            send_quietly(peer, (HELLO if rng.random() < 0.5 else b"") + noise)
            if rng.random() < 0.5:
                peer.shutdown(socket.SHUT_WR)
                for answer in answers(peer):
                    assert answer["frame"] in {"welcome", "pong", "error", "refused", "done", "published", "subscribed"}
    with Client.connect(served.path) as client:
        assert client.status()["engine"]["seq"] == served.engine.seq == 1
    served.wait_for_clients(0)


# -- clients that go -----------------------------------------------------------------------------------------------


def test_a_client_killed_in_mid_stream_is_forgotten(served):
    with raw(served.path) as peer:
        peer.sendall(HELLO + b'{"frame":"subscribe"}\n')
        served.do(lambda engine: [engine.do(c.Noticed(text="x" * 1000)) for _ in range(5000)])
        assert peer.recv(100)
    served.wait_for_clients(0)
    with Client.connect(served.path) as client:
        assert client.status()["engine"]["seq"] == 5001


def test_a_kill_is_carried_out_though_its_client_is_gone(served):
    with Client.connect(served.path) as client:
        client.start_run(RunRequest(goal="g"))
    served.do(lambda engine: engine.release.clear())
    with raw(served.path) as peer:
        peer.sendall(HELLO + b'{"frame":"kill","id":1}\n{"frame":"ping"}\n')
        data = b""
        while b"pong" not in data:
            data += peer.recv(65536)
    served.wait_for_clients(0)
    with Client.connect(served.path) as client, client.events() as stream:
        served.do(lambda engine: engine.release.set())
        assert {event["agent"] for event in stream_until(stream, "agent_killed", 2)} == {"builder", "reviewer"}


def stream_until(stream, kind, count):
    found = []
    while len(found) < count:
        event = next(stream)
        if event["kind"] == kind:
            found.append(event)
    return found


def test_a_client_with_too_many_calls_waits_its_turn(served):
    calls = b"".join(b'{"frame":"kill","id":%d}\n' % n for n in range(200))
    served.do(lambda engine: engine.release.clear())
    with raw(served.path) as peer, Client.connect(served.path) as other:
        peer.sendall(HELLO + calls)
        assert other.status()["engine"]
        served.do(lambda engine: engine.release.set())
        data = b""
        while data.count(b"\n") < 201:
            data += peer.recv(65536)
    assert [answer["id"] for answer in map(msgspec.json.decode, data.splitlines()[1:])] == list(range(200))


# -- engines that go -----------------------------------------------------------------------------------------------


def test_a_killed_engine_ends_streams_and_calls_at_once(folder):
    path = folder / "s"
    with own_process(path) as engine, Client.connect(path) as client, client.events() as stream:
        assert next(stream)["kind"] == "engine_started"
        engine.kill()
        before = time.monotonic()
        with pytest.raises(EngineGone, match="gone"):
            next(stream)
        with pytest.raises(EngineGone, match="gone"):
            client.status()
        assert time.monotonic() - before < 2


def test_an_engine_that_hangs_is_found_out(folder, monkeypatch):
    monkeypatch.setattr(wire, "SILENCE", 0.2)
    monkeypatch.setattr(wire, "PATIENCE", 0.2)
    path = folder / "s"
    with own_process(path) as engine, Client.connect(path) as client, client.events(since=1) as stream:
        engine.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, engine.pid, os.WSTOPPED | os.WNOWAIT)
        with pytest.raises(EngineGone, match="hangs"):
            next(stream)
        with pytest.raises(EngineGone, match="hangs"):
            client.status()


def test_a_quiet_engine_is_asked_and_not_given_up(served, monkeypatch):
    monkeypatch.setattr(wire, "SILENCE", 0.02)
    with Client.connect(served.path) as client, client.events(since=1) as stream:
        asked = threading.Event()
        count = 0

        def ping(frame, send=stream._wire.send):
            nonlocal count
            count += isinstance(frame, frames.Ping)
            if count == 3:
                asked.set()
            send(frame)

        monkeypatch.setattr(stream._wire, "send", ping)
        notice = threading.Thread(
            target=lambda: asked.wait(10) and served.do(lambda engine: engine.do(c.Noticed(text="at last")))
        )
        notice.start()
        assert next(stream)["data"]["text"] == "at last"
        notice.join()
        assert count >= 3


def test_a_server_that_shuts_keeps_those_who_are_in(served):
    with Client.connect(served.path) as client:
        served.do(lambda _: served.server.shut())
        with pytest.raises(NoEngine):
            Client.connect(served.path)
        assert client.status()["engine"]


def test_the_server_ends_though_a_client_does_not_read(folder):
    async def scenario():
        engine = FakeEngine()
        server = Server(engine, folder / "s")
        await server.start()
        with raw(folder / "s") as peer:
            peer.sendall(HELLO + b'{"frame":"subscribe"}\n')
            for _ in range(20_000):
                engine.do(c.Noticed(text="x" * 200))
            while not server.clients:
                await engine_turn()
            await server.close()
        assert server.clients == 0

    async def engine_turn():
        import asyncio

        await asyncio.sleep(0)

    run(scenario())
