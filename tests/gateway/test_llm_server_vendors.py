"""Vendors that do anything: what comes from them is passed on, cut or refused, and booked; nobody is led astray."""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from support.aio import run
from support.gate import KEY, OnePurse, asked, gate
from support.wild import OK, wild

from engine.gateway.llm import attempts, way

USAGE = '"usage": {"input_tokens": 9, "output_tokens": 4}'
WHOLE = f'{{"type": "message", "model": "m", "content": [], "stop_reason": "end_turn", {USAGE}}}'.encode()
JSON = b"content-type: application/json\r\n"
SSE = b"content-type: text/event-stream\r\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    for module, name in ((attempts, "BACKOFF"), (attempts, "LONGEST_BACKOFF"), (way, "SETTLE")):
        monkeypatch.setattr(module, name, 0.001)


@asynccontextmanager
async def between(act, **options):
    """A gateway before a vendor that does this."""
    async with wild(act) as vendor, gate(upstream={"url": vendor.url, "key": lambda: KEY}, **options) as here:
        yield vendor, here


def says(*portions):
    """A vendor that sends this and ends the connection."""

    async def act(vendor, reader, writer):
        for portion in portions:
            writer.write(portion)
            await writer.drain()
        writer.close()

    return act


def answers(*portions):
    """A vendor that sends this and waits for the next request."""

    async def act(vendor, reader, writer):
        writer.write(b"".join(portions))

    return act


def test_nobody_is_led_elsewhere():
    async def scenario():
        async with wild(answers(OK, b"content-length: 0\r\n\r\n")) as elsewhere:
            head = f"HTTP/1.1 307 Go\r\nlocation: {elsewhere.url}/v1/messages\r\ncontent-length: 0\r\n\r\n".encode()
            async with between(answers(head)) as (vendor, here):
                answer = await here.ask()
                assert answer.status == 307
                assert "location" not in answer.headers
                assert (len(vendor.heads), elsewhere.heads) == (1, [])
                assert not here.purse.open
                assert not here.purse.booked

    run(scenario())


def test_no_cookie_is_kept_for_the_next_request():
    async def scenario():
        head = OK + JSON + b"set-cookie: a=b; path=/\r\ncontent-length: %d\r\n\r\n" % len(WHOLE)
        async with between(answers(head, WHOLE)) as (vendor, here):
            for _ in range(2):
                answer = await here.ask(stream=False)
                assert (answer.status, answer.body) == (200, WHOLE)
                assert "set-cookie" not in answer.headers
            assert not any(b"cookie" in head.lower() for head in vendor.heads)

    run(scenario())


@pytest.mark.parametrize(
    "portions",
    [
        [OK, JSON, b"content-length: %d\r\n\r\n" % (len(WHOLE) + 50), WHOLE],
        [OK, JSON, b"transfer-encoding: chunked\r\n\r\n", b"%x\r\n" % (len(WHOLE) + 9), WHOLE],
        [OK, JSON, b"content-encoding: br\r\ncontent-length: 900\r\n\r\n", WHOLE],
    ],
)
def test_an_answer_that_is_shorter_than_it_said_is_cut_for_the_agent_as_well(portions):
    async def scenario():
        async with between(says(*portions)) as (vendor, here):
            answer = await here.ask()
            assert not answer.whole
            assert len(vendor.heads) == 1
            [booked] = here.purse.booked
            assert booked.failed

    run(scenario())


def test_portions_that_turn_into_nonsense_are_cut_there():
    async def scenario():
        agent_has_some = asyncio.Event()

        async def act(vendor, reader, writer):
            writer.write(OK + SSE + b"transfer-encoding: chunked\r\n\r\nb\r\nevent: ping\r\n")
            await agent_has_some.wait()
            writer.write(b"nonsense\r\n")

        async with between(act) as (vendor, here):
            path, body, headers = asked("messages", "hello")
            async with here.client.post(here.url(path), json=body, headers=headers) as answer:
                assert await answer.content.readexactly(11) == b"event: ping"
                agent_has_some.set()
                with pytest.raises(aiohttp.ClientPayloadError):
                    await answer.read()
            assert len(vendor.heads) == 1
            assert here.purse.booked[0].failed

    run(scenario())


def test_an_answer_that_is_longer_than_it_said_ends_where_it_said_and_is_no_answer_to_the_next():
    async def scenario():
        extra = OK + JSON + b"content-length: 4\r\n\r\nevil"
        head = OK + JSON + b"content-length: %d\r\n\r\n" % len(WHOLE)
        async with between(answers(head, WHOLE, extra)) as (vendor, here):
            found = [(await here.ask(stream=False)).body for _ in range(3)]
            assert found == [WHOLE] * 3
            assert vendor.heads

    run(scenario())


@pytest.mark.parametrize(
    "portions",
    [
        [b"SSH-2.0-OpenSSH_9\r\n"],
        [b"HTTP/1.1 abc\r\n\r\n"],
        [b"\0" * 1000],
        [OK, b"x-a: " + b"y" * (100 << 10) + b"\r\n\r\n"],
        [OK, b"no colon\r\n\r\n"],
        [OK, b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcde"],
        [OK, b"x\0y: z\r\n\r\n"],
        [],
    ],
)
def test_what_is_no_answer_is_told_as_unreachable_after_some_tries(portions):
    async def scenario():
        async with between(says(*portions)) as (vendor, here):
            answer = await here.ask()
            assert answer.status == 502
            assert 1 < len(vendor.heads) <= attempts.TRIES
            assert "SSH" not in answer.text
            assert not here.purse.open

    run(scenario())


def test_a_head_without_end_is_not_read_to_its_end():
    async def act(vendor, reader, writer):
        writer.write(OK)
        await vendor.pour(writer, b"x-a: " + b"y" * 1000 + b"\r\n")

    async def scenario():
        async with between(act) as (vendor, here):
            assert (await here.ask()).status == 502
            assert vendor.sent < attempts.TRIES * (16 << 20)
            assert not here.purse.open

    run(scenario())


def test_an_error_without_end_is_passed_on_as_far_as_makes_sense(monkeypatch):
    monkeypatch.setattr(attempts, "MOST_ERROR", 10_000)

    async def act(vendor, reader, writer):
        writer.write(b"HTTP/1.1 400 Bad\r\n\r\n")
        await vendor.pour(writer, b"z" * 1000)

    async def scenario():
        async with between(act) as (vendor, here):
            answer = await here.ask()
            assert (answer.status, answer.body) == (400, b"z" * 10_000)
            await vendor.left.wait()
            assert here.purse.released

    run(scenario())


def test_an_answer_without_end_ends_when_its_agent_leaves():
    async def act(vendor, reader, writer):
        writer.write(OK + SSE + b"\r\n")
        await vendor.pour(writer, b"event: ping\ndata: {}\n\n")

    async def scenario():
        async with between(act) as (vendor, here):
            path, body, headers = asked("messages", "hello")
            async with here.client.post(here.url(path), json=body, headers=headers) as answer:
                await answer.content.readexactly(100_000)
            await vendor.left.wait()
            while here.purse.open:
                await asyncio.sleep(0)
            assert here.purse.booked[0].estimated

    run(scenario())


@pytest.mark.parametrize("text", [b"data: " + b"[" * 200_000 + b"\n\n", b"data: {}\n" * 50_000, b"\xff" * 200_000])
def test_events_that_make_no_sense_pass_and_cost_what_was_reserved(text):
    async def scenario():
        async with between(says(OK, SSE, b"\r\n", text)) as (_, here):
            answer = await here.ask()
            assert (answer.status, answer.body) == (200, text)
            [booked] = here.purse.booked
            assert booked.estimated
            assert booked.spend.output == here.purse.holds[0].tokens.output

    run(scenario())


@pytest.mark.parametrize(
    "told", ['{"input_tokens": -5, "output_tokens": -9}', '{"input_tokens": 1e400}', '{"output_tokens": "7"}', "[]"]
)
def test_figures_that_make_no_sense_give_nothing_back(told):
    async def scenario():
        whole = WHOLE.decode().replace(USAGE, f'"usage": {told}').encode()
        head = OK + JSON + b"content-length: %d\r\n\r\n" % len(whole)
        async with between(answers(head, whole), purse=OnePurse(tokens=100_000)) as (_, here):
            await here.ask(stream=False)
            [booked] = here.purse.booked
            assert min(booked.spend.input, booked.spend.output, booked.usd) >= 0
            assert booked.spend.tokens.total <= here.purse.holds[0].tokens.total

    run(scenario())


def test_a_packed_answer_that_unpacks_to_any_size_passes_packed():
    async def scenario():
        bomb = gzip.compress(bytes(40 << 20), 1)
        head = OK + SSE + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
        async with between(answers(head, bomb)) as (_, here):
            answer = await here.ask()
            assert answer.body == bomb
            assert here.purse.booked[0].estimated

    run(scenario())


def test_its_key_is_taken_out_of_what_a_list_of_models_says():
    async def scenario():
        text = json.dumps({"you": KEY}).encode()
        head = b"HTTP/1.1 403 No\r\nx-you: " + KEY.encode() + b"\r\ncontent-length: %d\r\n\r\n" % len(text)
        async with between(answers(head, text)) as (_, here):
            got = await here.client.get(here.url("/anthropic/v1/models"), headers={"x-api-key": "qd-token-of-amy"})
            assert got.status == 403
            assert KEY not in f"{got.headers} {await got.text()}"

    run(scenario())
