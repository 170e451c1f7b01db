"""A place is had to oneself; what is still being ended in it is waited for."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from support.aio import run

from engine.processes.values import Program
from engine.runtime.member import Place
from engine.runtime.room import Room


def test_a_command_waits_for_one_that_was_cancelled_and_is_still_ending(tmp_path: Path) -> None:
    async def scenario() -> list[bytes]:
        place = Place("builder", tmp_path, Room(dict(os.environ)))
        said = []
        try:
            await place(("true",), cwd=tmp_path)
            for _ in range(20):
                cancelled = asyncio.create_task(place(("sleep", "60"), cwd=tmp_path))
                while not (place.live and place.live.busy):
                    await asyncio.sleep(0)
                cancelled.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await cancelled
                said.append((await place(("echo", "here"), cwd=tmp_path)).out)
                program = Program(argv=("true",), cwd=tmp_path, env=dict(os.environ))
                await (await place.run(program)).wait()
        finally:
            await place.close()
        return said

    assert run(scenario()) == [b"here\n"] * 20
