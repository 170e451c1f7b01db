"""The control socket: requests leave at once and in order, and a keeper that does not read is told apart."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from support.aio import run

from engine.processes import wire
from engine.processes.channel import Channel


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    return ours, theirs


def test_requests_that_do_not_fit_go_out_later_and_in_order():
    async def scenario():
        ours, theirs = pair()
        channel = Channel(ours, lambda _: None, lambda: None)
        for number in range(50):
            channel.ask(b"n%d" % number, b"x" * 20_000)
        with pytest.raises(BlockingIOError):
            channel.ask(b"run", descriptors=(0,))
        theirs.settimeout(0)
        unpacker, found = wire.Unpacker(), []
        async with asyncio.timeout(10):
            while len(found) < 50:
                found += unpacker.feed(await asyncio.get_running_loop().sock_recv(theirs, 65536))
        assert [frame[0] for frame in found] == [b"n%d" % number for number in range(50)]
        channel.close()
        theirs.close()

    run(scenario())


def test_answers_go_to_those_who_asked_and_the_rest_to_the_listener():
    async def scenario():
        ours, theirs = pair()
        heard = []
        channel = Channel(ours, heard.append, lambda: None)
        first, second, other = channel.ask(b"kill"), channel.ask(b"kill"), channel.ask(b"pause")
        first.cancel()
        theirs.send(wire.pack(b"frozen", b"1", b"0") + wire.pack(b"exited", b"9", b"0"))
        theirs.send(wire.pack(b"killed", b"1") + wire.pack(b"killed", b"2"))
        async with asyncio.timeout(10):
            assert await second == [b"killed", b"2"]
            assert await other == [b"frozen", b"1", b"0"]
        assert heard == [[b"exited", b"9", b"0"]]
        channel.close()
        theirs.close()

    run(scenario())


def test_when_the_keeper_is_gone_nobody_waits_for_an_answer():
    async def scenario():
        ours, theirs = pair()
        ended = asyncio.Event()
        channel = Channel(ours, lambda _: None, ended.set)
        asked = channel.ask(b"kill")
        theirs.close()
        await asyncio.wait_for(ended.wait(), 10)
        assert asked.cancelled()
        assert channel.ask(b"kill").cancelled()
        assert not channel.open

    run(scenario())


def test_descriptors_arrive_with_their_request():
    async def scenario():
        ours, theirs = pair()
        channel = Channel(ours, lambda _: None, lambda: None)
        read_end, write_end = os.pipe()
        channel.ask(b"run", descriptors=(write_end,))
        data, (handle,), *_ = socket.recv_fds(theirs, 100, 3)
        assert list(wire.Unpacker().feed(data)) == [[b"run"]]
        os.write(handle, b"hello")
        assert os.read(read_end, 10) == b"hello"
        for descriptor in (handle, read_end, write_end):
            os.close(descriptor)
        channel.close()
        theirs.close()

    run(scenario())
