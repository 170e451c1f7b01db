"""Listeners of a way out: one here that needs a token, and one that was made inside an empty network namespace."""

import asyncio
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from support.aio import run
from support.ways_out import SECONDS, web

from engine.gateway.door import Door
from engine.gateway.exit import Exit

INSIDE = """
import ctypes, fcntl, os, socket, struct, sys, urllib.request
libc, uid = ctypes.CDLL(None, use_errno=True), os.getuid()
if libc.unshare(0x10000000 | 0x40000000):
    sys.exit(77)
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(asking, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
listener = socket.create_server(("127.0.0.1", 3128))
outer = socket.socket(fileno=int(sys.argv[1]))
socket.send_fds(outer, [b"x"], [listener.fileno()])
outer.recv(1)
answers = []
for way in ({"http": sys.argv[2]}, {}):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(way))
    try:
        answers.append(str(opener.open(sys.argv[3], timeout=10).status))
    except OSError as error:
        answers.append(str(error))
print("\\n".join(answers))
"""


def fetch(proxy, url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
    with opener.open(url, timeout=SECONDS) as answer:
        return answer.status


def way_out(*entries):
    told = []
    return Exit("ann", lambda: entries, told.append), told


def test_a_door_here_is_known_before_it_is_served_and_needs_its_token():
    async def scenario():
        with web() as port:
            door = Door()
            proxy = f"http://quarterdeck:{door.token}@127.0.0.1:{door.port}"
            url = f"http://127.0.0.1:{port}/"
            waiting = asyncio.create_task(asyncio.to_thread(fetch, proxy, url))  # before it is served
            out, told = way_out(f"127.0.0.1:{port}")
            await door.serve(out)
            assert await waiting == 200
            with pytest.raises(urllib.error.HTTPError) as refused:
                await asyncio.to_thread(fetch, f"http://127.0.0.1:{door.port}", url)
            refused.value.close()
            assert refused.value.code == 407
            await out.close()
            door.close()
            with pytest.raises(OSError):
                await asyncio.to_thread(fetch, proxy, url)
            assert door.token not in repr(told)

    run(scenario())


def test_two_doors_have_two_tokens():
    one, other = Door(), Door()
    try:
        assert one.token != other.token
        assert one.port != other.port
    finally:
        one.close()
        other.close()
        other.close()


def test_through_a_door_inside_an_empty_network_the_engine_is_all_there_is():
    async def scenario(port):
        out, told = way_out(f"127.0.0.1:{port}")
        ours, theirs = socket.socketpair()
        args = [str(theirs.fileno()), "http://127.0.0.1:3128", f"http://127.0.0.1:{port}/"]
        with ours:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-ISc", INSIDE, *args, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE
            )
            theirs.close()
            _, listeners, _, _ = await asyncio.to_thread(socket.recv_fds, ours, 1, 1)
            if not listeners:
                assert await process.wait() == 77
                pytest.skip("no user namespaces here")
            for fd in listeners:
                await out.serve(socket.socket(fileno=fd))
            ours.send(b"x")
            said, _ = await process.communicate()
            await out.close()
        through, direct = said.decode().splitlines()
        assert through == "200"
        assert "Connection refused" in direct
        assert [one.allowed for one in told] == [True]

    with web() as port:
        run(scenario(port))
