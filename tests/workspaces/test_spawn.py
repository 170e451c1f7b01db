"""Short programs, run to their end: all of what they say, and nothing left of them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from support.aio import run

from workspaces import spawn

ENV = dict(os.environ)


def python(code: str, **given: bytes) -> spawn.Completed:
    return run(spawn.run([sys.executable, "-c", code], env=ENV, **given))


def test_both_outputs_and_the_status_come_back() -> None:
    done = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.code, done.out, done.err) == (3, b"out\n", b"err\n")


def test_large_input_and_output_do_not_block_each_other() -> None:
    data = os.urandom(3_000_000)
    done = python("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())", stdin=data)
    assert done.out == data


def test_a_program_that_closes_its_output_first_is_waited_for() -> None:
    done = python("import os, sys, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(7)")
    assert done.code == 7


def test_without_pidfd_it_is_waited_for_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert python("import os, time; os.close(1); os.close(2); time.sleep(0.1); os._exit(5)").code == 5


def test_a_missing_program_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        run(spawn.run(["/nowhere/program"], env=ENV))


def test_a_cancelled_program_is_gone() -> None:
    async def scenario() -> int:
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        before = set(children.read_text().split())
        task = asyncio.create_task(spawn.run(["sleep", "60"], env=ENV))
        while not (found := [pid for pid in children.read_text().split() if pid not in before]):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return int(found[0])

    pid = run(scenario())
    assert not Path(f"/proc/{pid}").exists()
