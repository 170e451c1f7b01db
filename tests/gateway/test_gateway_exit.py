"""An agent's way out on loopback: real clients through it, what is refused and how, and clients that do not behave."""

import asyncio
import base64
import gc
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
import warnings

import pytest
from support.ways_out import SECONDS, descriptors, everything, head_of, peer, way_out, web

from engine.gateway import accepting, call, exit, relay  # noqa: A004  the module


@pytest.fixture(scope="module")
def port():
    with web() as port:
        yield port


def opener(url):
    return urllib.request.build_opener(urllib.request.ProxyHandler({"http": url, "https": url}))


def connect(way, to, *more):
    client = way.connect()
    client.sendall("\r\n".join((f"CONNECT {to} HTTP/1.1", f"Host: {to}", *more, "", "")).encode())
    return client


# -- what is allowed -------------------------------------------------------------------------------------------------


def test_a_tunnel_to_a_declared_address_carries_both_ways(port):
    with way_out(f"127.0.0.1:{port}") as way:
        client = http.client.HTTPConnection("127.0.0.1", way.port, timeout=SECONDS)
        client.set_tunnel("127.0.0.1", port)
        for _ in range(3):  # one tunnel, as often as its ends like
            client.request("POST", "/", b"x" * 100_000)
            assert client.getresponse().read() == b"x" * 100_000
        client.close()
        (asked,) = way.told(1)
    assert (asked.agent, asked.host, asked.port, asked.method) == ("builder", "127.0.0.1", port, "CONNECT")
    assert (asked.allowed, asked.why) == (True, "")
    assert asked.bytes_up > 300_000
    assert asked.bytes_down > 300_000
    assert 0 < asked.seconds < SECONDS


def test_a_plain_request_is_asked_by_the_name_in_its_address(port):
    with way_out(f"localhost:{port}") as way:
        request = urllib.request.Request(f"http://localhost:{port}/a?b=c", headers={"Host": "other.example", "X": "y"})
        answer = opener(f"http://127.0.0.1:{way.port}").open(request, timeout=SECONDS)
        said = answer.read().decode()
        assert answer.headers["Connection"] == "close"
        (asked,) = way.told(1)
    assert said.startswith("GET /a?b=c\n")
    assert f"Host: localhost:{port}\n" in said
    assert "X: y" in said
    assert "other.example" not in said
    assert (asked.method, asked.host, asked.allowed) == ("GET", "localhost", True)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_with_the_usual_variables(port):
    with way_out(f"127.0.0.1:{port}", token="to-ken") as way:
        url = f"http://builder:to-ken@127.0.0.1:{way.port}"
        variables = {"PATH": os.environ["PATH"], "http_proxy": url, "HTTPS_PROXY": url, "NO_PROXY": ""}

        def curl(*args):
            argv = ["curl", "-sS", "-m", "10", *args]
            return subprocess.run(argv, env=variables, capture_output=True, text=True, check=False)

        target = f"http://127.0.0.1:{port}/x"
        assert curl(target).stdout.startswith("GET /x")
        assert curl("--proxytunnel", target).stdout.startswith("GET /x")
        body = "y" * 5000  # long enough for Expect: 100-continue
        assert curl("-d", body, "-H", "Expect: 100-continue", target).stdout == body
        assert "token" not in repr(way.asked)
        refused = curl(f"http://127.0.0.1:{port + 1}/x")
        assert f"builder may not reach 127.0.0.1:{port + 1}" in refused.stdout
        assert curl("--proxytunnel", f"http://127.0.0.1:{port + 1}/x").returncode == 56  # 403 after CONNECT
        assert "to-ken" not in repr(way.told(5))


def test_a_plain_body_goes_up_whole_in_chunks_or_by_its_length(port):
    with way_out(f"127.0.0.1:{port}") as way:
        client = http.client.HTTPConnection("127.0.0.1", way.port, timeout=SECONDS)
        client.request("POST", f"http://127.0.0.1:{port}/", b"z" * 300_000)
        assert client.getresponse().read() == b"z" * 300_000
    got = []

    def talk(client):
        head_of(client)
        got.append(read_rest(client, b"0\r\n\r\n"))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\nyes")

    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way:
        client = http.client.HTTPConnection("127.0.0.1", way.port, timeout=SECONDS)
        chunks = iter([b"a" * 10, b"b" * 70_000])
        client.request(
            "POST", f"http://127.0.0.1:{port}/", chunks, {"Transfer-Encoding": "chunked"}, encode_chunked=True
        )
        assert client.getresponse().read() == b"yes"
    assert got == [b"a\r\n" + b"a" * 10 + b"\r\n11170\r\n" + b"b" * 70_000 + b"\r\n0\r\n\r\n"]


def test_chunks_are_written_anew_and_a_second_request_is_not_served(monkeypatch):
    monkeypatch.setattr(relay, "HALF_SECONDS", 0.2)
    got = []

    def talk(client):
        got.append(head_of(client) + read_rest(client, b"0\r\n\r\n"))
        client.sendall(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nContent-Length: 2\r\n\r\nok")
        got.append(client.recv(100))

    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way:
        head = f"POST http://127.0.0.1:{port}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        body = b"003;ext=1\r\nabc\r\n0;x\r\nTrailer: Content-Length\r\n\r\n"
        answer = way.say(head + body + f"GET http://127.0.0.1:{port}/second HTTP/1.1\r\n\r\n".encode())
    assert got[0].endswith(b"Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert got[1] == b""
    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def read_rest(client, end):
    came = b""
    while not came.endswith(end):
        came += client.recv(1 << 16)
    return came


def test_what_is_allowed_is_asked_anew_for_each_request(port):
    with way_out() as way:
        assert b" 403 " in way.say(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
        way.entries.add(f"127.0.0.1:{port}")
        assert b" 200 " in way.say(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
        way.entries.clear()
        assert b" 403 " in way.say(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())


# -- what is refused -------------------------------------------------------------------------------------------------


def test_a_refusal_names_the_host_the_agent_and_the_setting():
    with way_out("example.org") as way:
        answer = way.say(b"CONNECT Example.NET:443 HTTP/1.1\r\nX: s3cret\r\n\r\n").decode()
        (asked,) = way.told(1)
    first, _, body = answer.partition("\r\n\r\n")
    assert first.startswith("HTTP/1.1 403 Forbidden (builder may not reach example.net:443: ")
    assert "builder may not reach example.net:443" in body
    assert '"example.net:443" in `network` of [agents.builder.permissions]' in body
    assert (asked.host, asked.port, asked.allowed, asked.why) == ("example.net", 443, False, "no entry allows it")
    assert "s3cret" not in repr(asked) + answer


def test_python_says_why(port):
    with way_out() as way:
        assert "403 Forbidden (builder may not reach example.org:443: no entry allows it)" in tunnelled(way.port)
        with pytest.raises(urllib.error.HTTPError) as plain:
            opener(f"http://127.0.0.1:{way.port}").open(f"http://127.0.0.1:{port}/", b"x" * 500_000, timeout=SECONDS)
        with plain.value as answer:
            assert "[agents.builder.permissions]" in answer.read().decode()


def tunnelled(port):
    """What Python says of a tunnel that is refused. Early versions of 3.11 leave the answer open."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        try:
            opener(f"http://127.0.0.1:{port}").open("https://example.org/", timeout=SECONDS)
        except OSError as error:
            return str(error)
        finally:
            gc.collect()


def test_a_name_that_means_a_private_address_is_refused_and_looked_up_once(port):
    import ipaddress

    from engine.gateway.dial import Dialler

    asked_names = []

    def resolve(name):
        asked_names.append(name)
        return [ipaddress.ip_address("127.0.0.1")]

    with way_out(f"rebinding.example:{port}", dialler=lambda: Dialler(resolve)) as way:
        answer = way.say(f"CONNECT rebinding.example:{port} HTTP/1.1\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert f'only an entry "127.0.0.1:{port}" allows that'.encode() in answer
        assert way.told(1)[0].allowed is False
        way.entries.add(f"127.0.0.1:{port}")
        assert b" 200 " in way.say(f"CONNECT rebinding.example:{port} HTTP/1.1\r\n\r\n".encode())
    assert asked_names == ["rebinding.example"] * 2


def test_only_who_has_the_token_is_served(port):
    def credentials(word):
        return "Proxy-Authorization: Basic " + base64.b64encode(f"builder:{word}".encode()).decode()

    with way_out(f"127.0.0.1:{port}", token="right") as way:
        for more in ([], [credentials("wrong")], [credentials("")], ["Proxy-Authorization: Bearer right"]):
            with connect(way, f"127.0.0.1:{port}", *more) as client:
                answer = everything(client)
            assert answer.startswith(b"HTTP/1.1 407 ")
            assert b"\r\nProxy-Authenticate: Basic " in answer
        with connect(way, f"127.0.0.1:{port}", credentials("right")) as client:
            assert head_of(client).startswith(b"HTTP/1.1 200 ")
        asked = way.told(5)
    assert [one.host for one in asked] == ["", "", "", "", "127.0.0.1"]
    assert "right" not in repr(asked)


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET http://a/ HTTP/1.1\nHost: a\n\n", b"\x16\x03\x01\r\n\r\n"]
)
def test_what_is_no_request_is_answered_400(head):
    with way_out("*:80") as way:
        assert way.say(head).startswith(b"HTTP/1.1 400 Bad Request (")
        (asked,) = way.told(1)
    assert (asked.host, asked.allowed) == ("", False)
    assert asked.why


def test_a_head_without_end_is_cut_off():
    with way_out() as way, way.connect() as client:
        client.sendall(b"CONNECT a:1 HTTP/1.1\r\n" + b"X: y\r\n" * 4000)
        assert everything(client).startswith(b"HTTP/1.1 400 ")


def test_a_host_that_does_not_answer_is_502():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with way_out(f"127.0.0.1:{port}") as way:
        answer = way.say(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
        (asked,) = way.told(1)
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway (127.0.0.1:")
    assert b"connection refused" in answer
    assert (asked.allowed, asked.why) == (True, "connection refused")


def test_a_name_that_nobody_knows_is_502():
    from engine.gateway.dial import Dialler

    def resolve(name):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with way_out("nowhere.example", dialler=lambda: Dialler(resolve)) as way:
        answer = way.say(b"CONNECT nowhere.example:443 HTTP/1.1\r\n\r\n")
    assert b"its name was not found (name or service not known)" in answer


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: y", b"", b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000]
)
def test_an_answer_that_is_no_http_is_502(answer):
    with peer(lambda client: (head_of(client), client.sendall(answer))) as port, way_out(f"127.0.0.1:{port}") as way:
        assert way.say(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.1 502 ")


# -- clients and hosts that do not behave ----------------------------------------------------------------------------


def test_a_slow_head_is_answered_408(monkeypatch):
    monkeypatch.setattr(call, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(call, "LINGER_SECONDS", 0.2)
    with way_out() as way, way.connect() as client:
        client.sendall(b"CONNECT a:1 HT")
        assert everything(client).startswith(b"HTTP/1.1 408 ")
        assert way.told(1)[0].why == "its head did not come in time"


def test_who_says_nothing_is_not_told(port):
    with way_out(f"127.0.0.1:{port}") as way:
        way.connect().close()
        assert way.say(b"") == b""
        way.say(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
        assert len(way.told(1)) == 1


def test_each_side_may_stop_sending_and_go_on_reading():
    def talk(client):
        assert everything(client) == b"question"  # to the end
        client.sendall(b"answer")

    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way:
        with connect(way, f"127.0.0.1:{port}") as client:
            head_of(client)
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            assert everything(client) == b"answer"
        assert (way.told(1)[0].bytes_up, way.told(1)[0].bytes_down) == (8, 6)


def test_what_came_with_the_head_is_carried_first():
    with peer(lambda client: client.sendall(client.recv(5))) as port, way_out(f"127.0.0.1:{port}") as way:
        assert way.say(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\nfirst".encode()).endswith(b"\r\n\r\nfirst")


def test_a_silent_tunnel_ends(monkeypatch):
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.2)
    with peer(everything) as port, way_out(f"127.0.0.1:{port}") as way:
        with connect(way, f"127.0.0.1:{port}") as client:
            head_of(client)
            assert everything(client) == b""
        assert way.told(1)[0].why == "nothing came for too long"


def test_a_tunnel_over_which_something_comes_does_not_end(monkeypatch):
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.5)
    ready = threading.Event()

    def talk(client):
        for _ in range(20):
            ready.wait(0.05)  # twenty portions over a second, in one direction only
            client.sendall(b"x")

    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way, connect(way, f"127.0.0.1:{port}") as client:
        head_of(client)
        assert everything(client) == b"x" * 20


def test_a_host_that_keeps_its_end_open_is_left_after_the_agent(monkeypatch):
    monkeypatch.setattr(relay, "HALF_SECONDS", 0.2)
    left = []

    def talk(client):
        head_of(client)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        left.append(everything(client))

    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way:
        client = http.client.HTTPConnection("127.0.0.1", way.port, timeout=SECONDS)
        client.request("GET", f"http://127.0.0.1:{port}/")
        assert client.getresponse().read() == b"ok"
        client.close()
        assert way.told(1)[0].bytes_down > 2
    assert left == [b""]


def test_a_reader_that_does_not_read_stops_the_sender():
    sent, stop = [], threading.Event()

    def talk(client):
        client.settimeout(0.3)
        try:
            while not stop.is_set():
                sent.append(client.send(b"x" * 65_536))
        except TimeoutError:
            stop.set()

    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way, connect(way, f"127.0.0.1:{port}") as client:
        head_of(client)
        assert stop.wait(SECONDS)
    assert sum(sent) < 64 << 20  # what the kernel's buffers hold, and one portion


def test_a_broken_connection_is_told():
    def talk(client):
        client.recv(1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset

    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way:
        with connect(way, f"127.0.0.1:{port}") as client:
            head_of(client)
            client.sendall(b"xy")
            assert everything(client) == b""
        assert way.told(1)[0].why == "the connection broke"


def test_closing_ends_what_is_under_way():
    entered = threading.Barrier(2)

    def talk(client):
        entered.wait(SECONDS)
        everything(client)

    before = descriptors()
    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way:
        with connect(way, f"127.0.0.1:{port}") as tunnel, way.connect() as half:
            half.sendall(b"CONNECT")
            head_of(tunnel)
            entered.wait(SECONDS)
            way.do(way.exit.close())
            way.do(way.exit.close())
            assert everything(tunnel) == b""
            with pytest.raises(ConnectionError):
                way.connect()
        assert [one.why for one in way.told(1)] == ["the way out was closed"]
    assert descriptors() == before


def test_a_connection_is_closed_that_came_just_before_the_end(monkeypatch):
    """Its task is cancelled before it has begun, so that nothing of it ever runs."""
    accepted, ended = exit.accepted, []

    async def scenario(client):
        listener = socket.create_server(("127.0.0.1", 0))
        client.connect(listener.getsockname())
        way = exit.Exit("builder", set, lambda _: None)

        async def taken(listener):
            connection = await accepted(listener)
            asyncio.get_running_loop().call_soon(lambda: ended.append(asyncio.ensure_future(way.close())))
            asyncio.get_running_loop().call_soon(lambda: [task.cancel() for task in way._serving])
            return connection

        monkeypatch.setattr(exit, "accepted", taken)
        await way.serve(listener)
        while not ended:
            await asyncio.sleep(0)
        await ended[0]

    with socket.socket() as client:
        client.settimeout(SECONDS)
        asyncio.run(scenario(client))
        assert everything(client) == b""


def test_too_many_at_once_are_told_so(monkeypatch, port):
    monkeypatch.setattr(exit, "CONNECTIONS", 3)
    with way_out(f"127.0.0.1:{port}") as way:
        held = [connect(way, f"127.0.0.1:{port}") for _ in range(3)]
        for client in held:
            head_of(client)
        assert way.say(b"CONNECT a:1 HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 503 Service Unavailable (too many ")
        held.pop().close()
        way.told(2)
        with connect(way, f"127.0.0.1:{port}") as client:
            assert head_of(client).startswith(b"HTTP/1.1 200 ")
        for client in held:
            client.close()


def test_when_descriptors_run_out_the_engine_keeps_its_share(monkeypatch, port):
    monkeypatch.setattr(accepting, "FULL", 0.0)
    with way_out(f"127.0.0.1:{port}") as way:
        assert way.say(b"CONNECT a:1 HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 503 ")


def test_a_thousand_small_requests_leave_nothing_behind(port):
    def many(count):
        for number in range(count):
            kind = (f"GET http://127.0.0.1:{port}/ HTTP/1.1", f"CONNECT 127.0.0.1:{port} HTTP/1.1", "GET x HTTP/1.1")
            way.say(f"{kind[number % 3]}\r\n\r\n".encode())

    with way_out(f"127.0.0.1:{port}") as way:
        many(3)
        way.told(3)
        before, tasks = descriptors(), way.tasks()
        clients = [threading.Thread(target=many, args=(200,)) for _ in range(5)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        way.told(1003)
        assert way.tasks() == tasks
        assert descriptors() <= before + 5  # a thread of the web server may still be closing


def test_a_large_file_comes_whole():
    block = os.urandom(1 << 20)

    def talk(client):
        for _ in range(20):
            client.sendall(block)

    with peer(talk) as port, way_out(f"127.0.0.1:{port}") as way, connect(way, f"127.0.0.1:{port}") as client:
        head_of(client)
        assert hashlib.sha256(everything(client)).digest() == hashlib.sha256(block * 20).digest()
