"""What a viewer over MQTT waits for, behind each broker; the engine is the fake one, so it is the bus that is measured."""

import asyncio
import json
import os
import statistics
import time

import pytest
from support.aio import run
from support.buses import attached, by_hand, session
from support.fake_engine import FakeEngine

from engine.bus.topics import Topics
from engine.core import commands as c

pytestmark = pytest.mark.perf
both = pytest.mark.parametrize("name", ["mosquitto", "amqtt"])
RATE, SECONDS = 200, 5.0
P50 = 0.005
VIEWERS, FAST, FAST_SECONDS = 10, 1000, 5


@both
def test_an_event_is_in_an_mqtt_session_within_milliseconds(name):
    """From durable in the engine to decoded in the client, 200 events a second; best of three."""

    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder):
            viewer = await session(folder)
            await viewer.subscribe(engine.seq)
            best = min([await latencies(engine, viewer) for _ in range(3)], key=statistics.median)
            await viewer.close()
            return best

    seconds = sorted(run(scenario()))
    p50, p99 = statistics.median(seconds), seconds[len(seconds) * 99 // 100]
    print(f"\n{name}: event durable -> frame in an MQTT session p50 {p50 * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms")
    assert p50 <= P50


async def latencies(engine, viewer):
    durable, found, number = {}, [], int(RATE * SECONDS)

    async def take():
        async for event in viewer:
            found.append(time.perf_counter() - durable[event.seq])
            if len(found) == number:
                return

    taking = asyncio.create_task(take())
    begin = time.perf_counter()
    for count in range(number):
        await asyncio.sleep(max(0.0, begin + count / RATE - time.perf_counter()))
        durable[engine.seq + 1] = time.perf_counter()
        engine.do(c.Noticed(text=f"{count} " + "x" * 300))
    async with asyncio.timeout(20):
        await taking
    return found


@both
def test_ten_viewers_miss_nothing_at_a_thousand_events_a_second(name):
    """Every event in every viewer; CPU of engine, bus and viewers, which are one process here."""

    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder):
            viewers = [await session(folder) for _ in range(VIEWERS)]
            first, number = engine.seq + 1, FAST * FAST_SECONDS
            taking = []
            for viewer in viewers:
                await viewer.subscribe(engine.seq)
                taking.append(asyncio.create_task(seqs(viewer, number)))
            began, cpu = time.perf_counter(), time.process_time()
            for count in range(number // 10):
                await asyncio.sleep(max(0.0, began + count * 10 / FAST - time.perf_counter()))
                for _ in range(10):
                    engine.do(c.Noticed(text="x" * 300))
            behind = time.perf_counter()
            async with asyncio.timeout(60):
                seen = await asyncio.gather(*taking)
            done = time.perf_counter()
            for viewer in viewers:
                await viewer.close()
            assert all(each == list(range(first, first + number)) for each in seen)
            return done - began, done - behind, time.process_time() - cpu

    took, behind, cpu = run(scenario())
    print(
        f"\n{name}: {FAST * FAST_SECONDS} events to {VIEWERS} viewers in {took:.2f} s, the last {behind * 1000:.0f} ms "
        f"after it happened; {cpu:.2f} s of CPU here"
    )
    assert behind <= 2.0


async def seqs(viewer, number):
    found = []
    async for event in viewer:
        found.append(event.seq)
        if len(found) == number:
            return found
    raise AssertionError("it ended")


@both
def test_a_foreign_client_has_each_event_on_its_topic(name):
    """The same way without a session: `ev/` topics, QoS 1, 200 events a second."""
    topics = Topics("repo1")

    async def scenario():
        engine = FakeEngine()
        async with attached(name, engine) as (_, folder), await by_hand(folder, "ann") as ann:
            await ann.subscribe(topics.event("#"), 1)
            durable, found, number = {}, [], int(RATE * SECONDS)

            async def take():
                async for message in ann.messages:
                    now = time.perf_counter()
                    found.append(now - durable[json.loads(message.payload)["seq"]])
                    if len(found) == number:
                        return

            taking = asyncio.create_task(take())
            begin = time.perf_counter()
            for count in range(number):
                await asyncio.sleep(max(0.0, begin + count / RATE - time.perf_counter()))
                durable[engine.seq + 1] = time.perf_counter()
                engine.do(c.Noticed(text="x" * 300))
            async with asyncio.timeout(20):
                await taking
            return found

    seconds = sorted(run(scenario()))
    print(
        f"\n{name}: event durable -> ev topic p50 {statistics.median(seconds) * 1000:.2f} ms; load {os.getloadavg()[0]:.1f}"
    )
    assert len(seconds) == RATE * SECONDS
