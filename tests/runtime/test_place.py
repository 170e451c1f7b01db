"""A place is had to oneself; what is still being ended in it is waited for."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from support.aio import run

from engine.processes.errors import Interrupted
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


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_what_is_ended_while_its_keeper_starts_never_begins(tmp_path: Path, how: str) -> None:
    async def scenario() -> None:
        place = Place("builder", tmp_path / "records", Room(dict(os.environ)))
        try:
            for seconds in (0, 0.002, 0.004, 0.006, 0.008):
                waiting = [asyncio.create_task(place(("touch", "begun"), cwd=tmp_path)) for _ in range(2)]
                await asyncio.sleep(seconds)
                if place.live is not None:
                    break
                assert (await (place.kill() if how == "kill" else place.stop(1))).gone
                for one in waiting:
                    with pytest.raises(Interrupted):
                        await one
                assert not (tmp_path / "begun").exists()
                await place.close()
            assert (await place(("touch", "begun"), cwd=tmp_path)).code == 0
        finally:
            await place.close()

    run(scenario())
