"""What the models' gateway adds to a stream: until its first byte, and to each portion.

A vendor streams 60 portions at 50 a second and stamps each; 20 and 50 streams at once, their starts spread over a
second, each with a request of 100 KB. Vendor, gateway and client are processes of their own on this machine. Direct and
through the gateway take turns within a round; what is shown is the median of the rounds, direct taken off. The gateway
does all it does in earnest: it reads the request, prices and reserves it, writes that down, reads the usage in passing,
books. `... after 10,000` is a gateway with that many bookings behind it. With QUARTERDECK_LITELLM, the folder of a
virtual environment that has `litellm[proxy]`, that one is measured in the same rounds.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest
from support.gateway_load import TOKEN

pytestmark = pytest.mark.perf
ROUNDS = 3
GOLDEN = 0.618034
"""Spreads the starts over a second evenly, and not in step with the portions: agents do not move as one."""
BODY = json.dumps(
    {
        "model": "claude-sonnet-5-5", "max_tokens": 4096, "stream": True,
        "messages": [{"role": "user", "content": "def function(x): return x + 1\n" * 3300}],
    }
).encode()  # fmt: skip
STAMP = re.compile(rb'"(?:stamp|text)": "(\d+\.\d+)"')


@contextmanager
def serving(*words: str) -> Iterator[int]:
    argv = [sys.executable, "-m", "support.gateway_load", *words]
    root = Path(__file__).parents[2]
    env = {"PYTHONPATH": f"{root}:{root / 'tests'}", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def litellm(folder: str, vendor: str) -> Iterator[str]:
    """LiteLLM's proxy before the vendor, once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free, TemporaryDirectory() as home:
        port = free.getsockname()[1]
        free.close()
        config = Path(home) / "config.json"
        way = {"model": "anthropic/claude-sonnet-5-5", "api_base": vendor, "api_key": "sk-test-load"}
        config.write_text(json.dumps({"model_list": [{"model_name": "claude-sonnet-5-5", "litellm_params": way}]}))
        argv = [f"{folder}/bin/litellm", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        env = {"PATH": "/usr/bin:/bin", "HOME": home, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        env["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"
        with (
            (Path(home) / "log").open("wb") as log,
            subprocess.Popen(argv, stdout=log, stderr=log, cwd=home, env=env) as process,
        ):
            try:
                _answering(process, port)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _answering(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"LiteLLM ended with {process.returncode}")


async def one(session: aiohttp.ClientSession, url: str, after: float) -> tuple[float, list[float]]:
    """Seconds to its first byte, and of each portion between vendor and client."""
    await asyncio.sleep(after)
    headers = {"x-api-key": TOKEN, "content-type": "application/json"}
    began, first, lags = time.monotonic(), 0.0, []
    async with session.post(f"{url}/v1/messages", data=BODY, headers=headers) as answer:
        assert answer.status == 200, await answer.read()
        async for data in answer.content.iter_any():
            now = time.monotonic()
            first = first or now - began
            lags += [now - float(stamp) for stamp in STAMP.findall(data)]
    return first, lags


async def streams(url: str, count: int) -> tuple[float, float, float]:
    """Median to the first byte; median and 99th percentile of a portion's lag; in ms."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        done = await asyncio.gather(*(one(session, url, number * GOLDEN % 1) for number in range(count)))
    lags = sorted(lag for _, found in done for lag in found)
    assert len(lags) in {count * 61, count * 60}  # LiteLLM leaves out what it does not know
    return (
        statistics.median(first for first, _ in done) * 1e3,
        lags[len(lags) // 2] * 1e3,
        lags[len(lags) * 99 // 100] * 1e3,
    )


def serving_all(stack: ExitStack) -> dict[str, str]:
    """What is compared, by its name."""
    vendor = f"http://127.0.0.1:{stack.enter_context(serving('vendor'))}"
    ways = {"direct": vendor}
    for name, bookings in (("gateway", "0"), ("after 10,000", "10000")):
        port = stack.enter_context(serving("gateway", vendor, bookings))
        ways[name] = f"http://127.0.0.1:{port}/anthropic"
    if folder := os.environ.get("QUARTERDECK_LITELLM"):
        ways["LiteLLM"] = stack.enter_context(litellm(folder, vendor))
    return ways


def measured(ways: dict[str, str], count: int) -> dict[str, list[tuple[float, float, float]]]:
    """So many streams at once, each way in turn, in each of the rounds."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, url in ways.items():
            found[name].append(asyncio.run(streams(url, count)))
    return found


def test_a_stream_through_the_gateway_is_hardly_later_than_without_it():
    with ExitStack() as stack:
        ways = serving_all(stack)
        for url in ways.values():
            asyncio.run(streams(url, 2))  # imports, connections
        rows = {count: measured(ways, count) for count in (20, 50)}
    print(f"\n{'':14} streams   first byte   portion p50   p99   (ms; direct, and what is added to it)")
    for count, by_name in rows.items():
        direct = [statistics.median(column) for column in zip(*by_name["direct"], strict=True)]
        for name, rounds in by_name.items():
            first, half, most = (statistics.median(column) for column in zip(*rounds, strict=True))
            plus = [0, 0, 0] if name == "direct" else direct
            print(f"{name:14} {count:7} {first - plus[0]:12.2f} {half - plus[1]:13.2f} {most - plus[2]:5.2f}")
    for by_name in rows.values():  # the best round, and far above the aims: machines are noisy
        direct = [min(column) for column in zip(*by_name["direct"], strict=True)]
        for name in ("gateway", "after 10,000"):
            first, half, _ = (min(column) for column in zip(*by_name[name], strict=True))
            assert first - direct[0] < 25
            assert half - direct[1] < 3
