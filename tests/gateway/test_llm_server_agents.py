"""Agents' programs are strangers: what they send that is no good harms nobody but themselves."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import warnings

import pytest
from support.aio import run
from support.gate import KEY, TOKEN, asked, gate
from support.wild import HEAD, OK, raw, status, wild

from engine.gateway.llm import listening, load, web
from engine.gateway.llm.lanes import Lane

NOBODY = b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"
LAST = NOBODY.replace(b"host", b"connection: close\r\nhost")


async def other_port(here):
    """Where `bob` asks."""
    listener = socket.create_server(("127.0.0.1", 0))
    here.gateway.admit("bob", Lane(token=TOKEN))
    await here.gateway.serve("bob", listener)
    return listener.getsockname()[1]


async def asks(here, port):
    path, body, headers = asked("messages", "hello")
    async with here.client.post(f"http://127.0.0.1:{port}{path}", json=body, headers=headers) as answer:
        await answer.read()
        return answer.status


def test_too_many_connections_of_one_wait_for_each_other_and_not_for_those_of_another(monkeypatch):
    monkeypatch.setattr(listening, "CONNECTIONS", 3)

    async def scenario():
        async with gate() as here:
            port = await other_port(here)
            async with raw(here.port) as first, raw(here.port) as second, raw(here.port) as third:
                for reader, writer in (first, second, third):
                    writer.write(NOBODY)
                    assert await status(reader) == 401
                async with raw(here.port) as (reader, writer):
                    writer.write(NOBODY)
                    waiting = asyncio.create_task(status(reader))
                    assert [await asks(here, port) for _ in range(3)] == [200] * 3
                    assert not waiting.done()
                    first[1].close()
                    assert await waiting == 401

    run(scenario())


@pytest.mark.parametrize("sent", [b"", b"POST /anth", HEAD, HEAD + b"x-a: b"])
def test_a_head_that_does_not_come_is_not_waited_for(sent, monkeypatch):
    monkeypatch.setattr(listening, "IDLE", 0.1)

    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            writer.write(sent)
            assert await reader.read() == b""

    run(scenario())


def test_a_head_that_comes_letter_by_letter_is_not_waited_for_either(monkeypatch):
    monkeypatch.setattr(listening, "IDLE", 0.2)

    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            ended = asyncio.create_task(reader.read())
            while not ended.done():
                writer.write(b"x")
                await asyncio.sleep(0.01)

    run(scenario())


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(web, "BODY_SECONDS", 0.1)

    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            writer.write(HEAD + b"content-length: 1000\r\n\r\n{")
            assert await status(reader) == 408
            assert not here.llm.calls

    run(scenario())


def test_a_body_that_is_too_large_is_refused_before_it_comes():
    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            writer.write(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % (load.MOST + 1))
            assert await status(reader) == 413

    run(scenario())


def test_a_body_of_unknown_length_is_refused_when_it_gets_too_large(monkeypatch):
    monkeypatch.setattr(load, "MOST", 10_000)

    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n" + (b"3e8\r\n" + b"x" * 1000 + b"\r\n") * 20)
            assert await status(reader) == 413

    run(scenario())


@pytest.mark.parametrize("pack", [False, True])
def test_bodies_in_memory_are_bounded_and_given_back(pack, monkeypatch):
    monkeypatch.setattr(load, "MOST_AT_ONCE", 100_000)

    async def scenario():
        async with gate() as here:
            path, body, headers = asked("messages", "hello", system="x" * 60_000)
            sent = json.dumps(body).encode()
            if pack:
                sent, headers = gzip.compress(sent), headers | {"content-encoding": "gzip"}
            here.llm.fault(what="mute", times=1)
            first = asyncio.create_task(here.post(path, sent, headers))
            await asyncio.to_thread(here.llm.until, bool)
            crowded = await here.post(path, sent, headers)
            assert crowded.status == 503
            assert "x-should-retry" not in crowded.headers
            here.llm.release()
            await first
            assert (await here.post(path, sent, headers)).status == 200

    run(scenario())


def test_a_small_body_that_unpacks_to_any_size_is_refused():
    async def scenario():
        async with gate() as here:
            bomb = gzip.compress(bytes(load.MOST + 1), 1)
            headers = {"x-api-key": TOKEN, "content-encoding": "gzip"}
            assert (await here.post("/anthropic/v1/messages", bomb, headers)).status == 413

    run(scenario())


MANY = {
    "messages": b'"messages": [' + b'{"role":"user","content":"a"},' * 100_001 + b"0]",
    "parts": b'"messages": [' + b"[]," * 1_500_001 + b"0]",
    "members": b'"messages": []' + b"".join(b',"k%d":0' % number for number in range(10_001)),
}


@pytest.mark.parametrize("what", MANY)
def test_a_body_of_very_many_parts_is_refused_as_reading_it_would_take_many_times_its_size(what):
    async def scenario():
        async with gate() as here:
            body = b'{"model": "m", "max_tokens": 9, %s}' % MANY[what]
            answer = await here.post("/anthropic/v1/messages", body, {"x-api-key": TOKEN})
            assert answer.status == 413
            assert not here.purse.holds

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of the client here, that it sends so much
        run(scenario())


def test_requests_that_are_sent_all_at_once_are_answered_in_their_order():
    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            path, body, headers = asked("messages", "hello", stream=False)
            sent = json.dumps(body).encode()
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            whole = f"POST {path} HTTP/1.1\r\nhost: x\r\n{lines}content-length: {len(sent)}\r\n\r\n".encode() + sent
            writer.write((NOBODY + whole) * 3 + NOBODY * 99 + LAST)
            text = await reader.read()
            answers = [int(part[:3]) for part in text.split(b"HTTP/1.1 ")[1:]]
            assert answers == [401, 200] * 3 + [401] * 100
            assert len(here.purse.booked) == 3

    run(scenario())


def test_one_who_asks_without_pause_is_slowed_down_and_nobody_else(monkeypatch):
    monkeypatch.setattr(load, "BURST", 5)
    monkeypatch.setattr(load, "RATE", 100)

    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            port = await other_port(here)
            writer.write(NOBODY * 59 + LAST)
            over = asyncio.create_task(reader.read())
            assert await asks(here, port) == 200
            assert not over.done()
            assert (await over).count(b" 401 ") == 60

    run(scenario())


def test_an_agent_that_does_not_read_holds_back_its_own_answer_only():
    chunk = b"event: ping\ndata: {}\n\n" * 500

    async def pours(vendor, reader, writer):
        writer.write(OK + b"content-type: text/event-stream\r\n\r\n")
        await vendor.pour(writer, chunk)

    async def scenario():
        async with wild(pours) as vendor, gate(upstream={"url": vendor.url, "key": lambda: KEY}) as here:
            path, body, headers = asked("messages", "hello")
            sent = json.dumps(body).encode()
            async with raw(here.port) as (reader, writer):
                reader._transport.pause_reading()
                writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(sent) + sent)
                before = -1
                while vendor.sent != before or not vendor.sent:  # until nothing moves any more
                    before = vendor.sent
                    for _ in range(20):
                        assert (await here.post("/nowhere", b"", {})).status == 401
                stuck = vendor.sent
                assert stuck < 32 << 20  # what the kernel holds for two connections
                assert len(here.purse.open) == 1
                reader._transport.resume_reading()
                while vendor.sent < stuck + (1 << 20):
                    await reader.readexactly(1 << 16)
            await vendor.left.wait()
            while here.purse.open:
                await asyncio.sleep(0)
            assert here.purse.booked[0].estimated
            assert path
            assert headers

    run(scenario())


@pytest.mark.parametrize(
    "lines",
    [
        b"x-a: b\rx-b: c\r\n",
        b"x-a: b\0c\r\n",
        b"x a: b\r\n",
        b": b\r\n",
        b"x-a: b\r\n c\r\nx-api-key : d\r\n",
        b"content-length: 2\r\ncontent-length: 3\r\n",
        b"content-length: +2\r\n",
        b"content-length: 2\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"x-a: " + b"y" * (80 << 10) + b"\r\n",
        b"".join(b"x-%d: y\r\n" % number for number in range(2000)),
    ],
)
def test_a_head_that_makes_no_sense_reaches_no_vendor_and_fills_no_log(lines, caplog):
    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            writer.write(HEAD + lines + b"\r\n{}")
            assert await status(reader) in {0, 400, 431}
            assert not here.llm.calls
            assert (await here.ask()).status == 200

    run(scenario())
    assert not caplog.records


@pytest.mark.parametrize("body", [b"zz\r\n", b"-1\r\n", b"5\r\nabc", b"ffffffffffffffffff\r\n", b"1;" + b"x" * 99999])
def test_portions_that_make_no_sense_reach_no_vendor_and_fill_no_log(body, caplog):
    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n" + body)
            writer.write_eof()
            assert await status(reader) in {0, 400}
            assert not here.llm.calls
            assert (await here.ask()).status == 200

    run(scenario())
    assert not caplog.records


def test_a_line_that_can_not_be_sent_on_stays_here():
    """And is no failure of the vendor: else one agent could shut it for all."""

    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            sent = json.dumps(asked("messages", "hello", stream=False)[1]).encode()
            writer.write(HEAD + b"x-a: \xff\xfe\r\nx-b: ok\r\ncontent-length: %d\r\n\r\n" % len(sent) + sent)
            assert await status(reader) == 200
            sent_on = {name.lower() for name in here.llm.calls[0].headers}
            assert "x-b" in sent_on
            assert "x-a" not in sent_on

    run(scenario())


@pytest.mark.parametrize(
    "path", [b"/anthropic/v1/messages?a=%0d%0ax-y:1", b"/gemini/v1beta/models/a%0d%0ab:generateContent"]
)
def test_a_path_can_not_bring_lines_into_a_head(path):
    async def act(vendor, reader, writer):
        writer.write(OK + b"content-length: 2\r\n\r\n{}")

    async def scenario():
        async with wild(act) as vendor, gate(upstream={"url": vendor.url, "key": lambda: KEY}) as here:
            async with raw(here.port) as (reader, writer):
                sent = json.dumps(asked("messages", "hello")[1] | {"contents": [{"parts": [{"text": "a"}]}]}).encode()
                writer.write(HEAD.replace(b"/anthropic/v1/messages", path) + b"content-length: %d\r\n\r\n" % len(sent))
                writer.write(sent)
                assert await status(reader) in {200, 400, 402}
            assert not any(b"\r\nx-y" in head or b"\r\nb:" in head for head in vendor.heads)

    run(scenario())


@pytest.mark.parametrize("path", [b"/anthropic/v1/messages?a=\xff", b"/anthropic/v1/messages?a=\xc3\xa9"])
def test_a_path_that_can_not_be_sent_is_no_failure_of_the_vendor(path):
    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            sent = json.dumps(asked("messages", "hello", stream=False)[1]).encode()
            writer.write(
                HEAD.replace(b"/anthropic/v1/messages", path) + b"content-length: %d\r\n\r\n" % len(sent) + sent
            )
            assert await status(reader) == 400
            assert not here.purse.told
            assert not here.purse.holds

    run(scenario())


def test_one_who_waits_to_be_told_to_go_on_is_told_so_after_it_is_known():
    async def scenario():
        async with gate() as here, raw(here.port) as (reader, writer):
            sent = json.dumps(asked("messages", "hello")[1]).encode()
            more = b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(sent)
            writer.write(HEAD + more)
            assert await status(reader) == 100
            writer.write(sent)
            assert await status(reader) == 200
        async with gate() as here, raw(here.port) as (reader, writer):
            writer.write(HEAD.replace(TOKEN.encode(), b"wrong") + more)
            assert await status(reader) == 401

    run(scenario())


def test_an_agent_that_leaves_while_the_vendor_thinks_is_seen_before_anything_else_happens():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="mute", times=1)
            async with raw(here.port) as (_, writer):
                sent = json.dumps(asked("messages", "hello")[1]).encode()
                writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(sent) + sent)
                await asyncio.to_thread(here.llm.until, bool)
                assert len(here.purse.open) == 1
            await asyncio.to_thread(here.llm.until, lambda calls: calls[0].ended == "left")
            while here.purse.open:
                await asyncio.sleep(0)
            [booked] = here.purse.booked
            assert booked.estimated
            assert booked.spend.output < here.purse.holds[0].tokens.output

    run(scenario())


def test_one_who_leaves_in_the_middle_of_its_body_asked_for_nothing(caplog):
    async def scenario():
        async with gate() as here:
            async with raw(here.port) as (_, writer):
                writer.write(HEAD + b"content-length: 1000\r\n\r\n{")
                await writer.drain()
            assert (await here.ask()).status == 200
            assert len(here.purse.holds) == 1

    run(scenario())
    assert not caplog.records
