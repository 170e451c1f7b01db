"""What an agent's way out costs: a request allowed and denied, and a large file through a tunnel; all on loopback.

Client and server are processes of their own, so that only the proxy's work is in this one.
"""

import asyncio
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from support.aio import run

from engine.gateway.exit import Exit

pytestmark = pytest.mark.perf
MEGABYTES, ROUNDS, REQUESTS = 200, 3, 500
ALLOWED_P50, DENIED_P50 = 0.012, 0.005
SLOWEST = 100  # MB/s

SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=128)
print(listener.getsockname()[1], flush=True)
block = b"x" * (1 << 20)
while True:
    client, _ = listener.accept()
    with client:
        for _ in range(int.from_bytes(client.recv(4), "big")):
            client.sendall(block)
"""
CLIENT = """
import socket, sys, time
proxy, port, megabytes, times = map(int, sys.argv[1:])
buffer = bytearray(1 << 18)
for _ in range(times):
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", proxy or port)) as client:
        answer = b" 200 "
        if proxy:
            client.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\\r\\n\\r\\n" % port)
            answer = b""
            while b"\\r\\n\\r\\n" not in answer:
                answer += client.recv(4096)
        if b" 200 " in answer:
            client.sendall(megabytes.to_bytes(4, "big"))
            while client.recv_into(buffer):
                pass
    print(time.perf_counter() - began)
"""


@contextmanager
def server():
    process = subprocess.Popen([sys.executable, "-ISc", SERVER], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


async def client(proxy, port, megabytes, times):
    args = [str(number) for number in (proxy, port, megabytes, times)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-ISc", CLIENT, *args, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return [float(line) for line in out.split()]


async def opened(entries, told):
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    way = Exit("builder", lambda: entries, told.append)
    await way.serve(listener)
    return way, listener.getsockname()[1]


def test_a_request_takes_milliseconds_and_a_refusal_less():
    async def scenario():
        told = []
        with server() as port:
            way, proxy = await opened({f"127.0.0.1:{port}"}, told)
            direct = await client(0, port, 0, REQUESTS)
            allowed = await client(proxy, port, 0, REQUESTS)
            cpu = time.process_time()
            denied = await client(proxy, port + 1, 0, REQUESTS)
            cpu = time.process_time() - cpu
            await way.close()
            assert len(told) == 2 * REQUESTS
            return direct, allowed, denied, cpu / REQUESTS

    direct, allowed, denied, cpu = run(scenario())
    for name, seconds in (("direct", direct), ("allowed", allowed), ("denied", denied)):
        p50, p99 = statistics.median(seconds) * 1000, sorted(seconds)[len(seconds) * 99 // 100] * 1000
        print(f"\n{name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms", end="")
    print(f"\nCPU of a refusal {cpu * 1000:.2f} ms")
    assert statistics.median(allowed) <= ALLOWED_P50
    assert statistics.median(denied) <= DENIED_P50


def test_a_large_file_comes_fast_and_the_loop_stays_awake():
    async def scenario():
        lags = []

        async def beat():
            while True:
                began = time.perf_counter()
                await asyncio.sleep(0.005)
                lags.append(time.perf_counter() - began - 0.005)

        with server() as port:
            way, proxy = await opened({f"127.0.0.1:{port}"}, [])
            direct = min(await client(0, port, MEGABYTES, ROUNDS))
            beating, cpu = asyncio.create_task(beat()), time.process_time()
            through = min(await client(proxy, port, MEGABYTES, ROUNDS))
            cpu = (time.process_time() - cpu) / ROUNDS
            beating.cancel()
            await way.close()
        return direct, through, cpu, sorted(lags)

    direct, through, cpu, lags = run(scenario())
    print(f"\n{MEGABYTES} MB: direct {MEGABYTES / direct:.0f} MB/s, through the tunnel {MEGABYTES / through:.0f} MB/s,")
    print(f"CPU {cpu:.2f} s, lag of the loop p99 {lags[len(lags) * 99 // 100] * 1000:.1f} ms")
    assert MEGABYTES / through >= SLOWEST
