"""The engine's hold on one keeper process: start a program in it, end everything in it, end it.

Two ways to kill: the keeper does it and proves it by ECHILD; or, where it is dead or does not answer, the engine fells
the tree from here, and the keeper with it. Every program passes through `begin` on its way out: a sandbox will wrap
`argv` there. Nothing is confined yet, and every record and proof says so.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.processes import CONFINEMENT, records, tree, wire
from engine.processes.channel import Answer, Channel
from engine.processes.errors import KeeperLost, StartFailed
from engine.processes.felling import NONCE, STEP, Felling
from engine.processes.launch import launch
from engine.processes.records import Record
from engine.processes.running import Running, Taking
from engine.processes.values import Program, Proof

START_SECONDS = 10.0
ANSWER_SECONDS = 5.0
KILL_SECONDS = 0.5
END_SECONDS = 1.0

_pids: set[int] = set()


class Lifeline:
    """A keeper process and what runs in it. Made by `start`, ended by `close`."""

    def __init__(self, record: Record, path: Path, process: subprocess.Popen[bytes], end: socket.socket) -> None:
        self.record = record
        self.running: Running | None = None
        self._path = path
        self._process = process
        self._channel = Channel(end, self._on_frame, self._on_end)
        self._felling = Felling(record, lambda: _pids)
        self._burial: asyncio.Task[Proof] | None = None
        self._subreaper = False
        self._survived = False  # something has, of what a dead keeper left

    @classmethod
    async def start(cls, name: str, folder: Path) -> Lifeline:
        """Start a keeper process and record it. Raises NameRefused, KeeperLost."""
        path = records.path_of(folder, name)
        process, end = launch(name)
        _pids.add(process.pid)
        line = cls(records.describe(name, process.pid), path, process, end)
        try:
            records.write(folder, line.record)
            ready = await line.answer(line._channel.expect(b"ready"), START_SECONDS)
            line._subreaper = ready[1] == b"1"
        except BaseException:
            process.kill()
            await line.close()
            raise
        return line

    @property
    def alive(self) -> bool:
        """Whether it can run programs."""
        return self._channel.open

    def ask(self, verb: bytes) -> asyncio.Future[Answer]:
        """Send a request that has no fields; it is out when this returns."""
        return self._channel.ask(verb)

    async def answer(self, answer: asyncio.Future[Answer], seconds: float = ANSWER_SECONDS) -> Answer:
        """Wait for it. Raises KeeperLost."""
        await asyncio.wait({answer}, timeout=seconds)
        if not answer.done():
            raise KeeperLost(self.record.agent, f"it did not answer within {seconds:g} s")
        if answer.cancelled():
            raise KeeperLost(self.record.agent, "it is gone")
        return answer.result()

    async def begin(self, program: Program, path: Path, stdin: int, taking: Taking) -> Running:
        """Start `program` from the file `path`; cancelled or unanswered, it is killed.

        Raises StartFailed, KeeperLost.
        """
        self.running = running = Running(taking)
        try:
            request = _request(program, path, {**program.env, NONCE: self.record.nonce})
            answer = self._channel.ask(*request, descriptors=(stdin, *taking.write_ends))
        except BlockingIOError:
            self._drop(running)
            raise KeeperLost(self.record.agent, "it does not read what it is asked") from None
        except ValueError:
            self._drop(running)
            raise
        finally:
            taking.started()
        answer.add_done_callback(partial(self._on_started, running))
        try:
            frame = await self.answer(asyncio.shield(answer))
        except BaseException:
            self.ask(b"kill")
            raise
        if frame[0] == b"failed":
            raise StartFailed(program.argv[0], program.cwd, frame[2].decode(), int(frame[1]))
        return running

    async def kill(self) -> Proof:
        """End everything in it, in whatever state it is."""
        began = time.monotonic()
        answer = self.ask(b"kill")
        self.wake()
        await asyncio.wait({answer}, timeout=KILL_SECONDS)
        if answer.done() and not answer.cancelled():
            return self._proven(int(answer.result()[1]), (time.monotonic() - began) * 1000)
        proof = await self._bury()
        return replace(proof, ms=(time.monotonic() - began) * 1000)

    async def close(self) -> None:
        """End the keeper and what it runs. Harmless twice."""
        if self.running and self.alive:
            await self.kill()
        if self._burial:
            await self._bury()
        self._channel.close()
        if self.running:
            self._drop(self.running)
        deadline = time.monotonic() + END_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110  it exits in 2 ms
            await asyncio.sleep(STEP)
        if self._process.returncode is not None and not self._survived:
            self._forget()

    def wake(self) -> None:
        """A keeper that its agent has stopped cannot hear us: SIGCONT, which does nothing to any other.

        Not asked whether it is stopped: a SIGSTOP may still be on its way.
        """
        keeper = tree.look(self.record.pid)
        if keeper and keeper.start == self.record.start:
            tree.send(keeper, signal.SIGCONT)

    def _on_started(self, running: Running, answer: asyncio.Future[Answer]) -> None:
        if answer.cancelled():
            return
        if answer.result()[0] == b"started":
            running.pid = int(answer.result()[1])
        else:
            self._drop(running)

    def _on_frame(self, frame: Answer) -> None:
        if frame[0] == b"exited" and self.running:
            code = os.waitstatus_to_exitcode(int(frame[1]))
            running, self.running = self.running, None
            running.end(code if code >= 0 else None, -code if code < 0 else None, int(frame[2]))

    def _drop(self, running: Running) -> None:
        """It never ran, or nobody knows how it ended."""
        if self.running is running:
            self.running = None
        running.end(None, None)

    def _on_end(self) -> None:
        self._burial = self._burial or asyncio.get_running_loop().create_task(self._fell())

    async def _bury(self) -> Proof:
        self._on_end()
        assert self._burial is not None  # noqa: S101  for the type checker
        return await asyncio.shield(self._burial)

    async def _fell(self) -> Proof:
        """The keeper is of no use: do its work from here."""
        if not self.record.boot_id:  # no /proc: what was below a dead keeper cannot be found
            self._process.kill()
            text = "the keeper is lost and this system cannot say what it left; best effort"
            return Proof(gone=False, processes=0, ms=0.0, text=text)
        deadline = time.monotonic() + END_SECONDS
        while not (gone := self._felling.strike()) and time.monotonic() < deadline:  # noqa: ASYNC110  as in `close`
            await asyncio.sleep(STEP)  # deaths of those that are not our children send no event
        if self._process.poll() is None:
            self._felling.release()
        else:
            self._channel.close()
            if self.running:
                self._drop(self.running)
        self._survived = not gone
        if gone:
            self._forget()
        else:
            self._burial = None  # the next kill tries again
        return self._felling.proof(gone=gone)

    def _proven(self, count: int, ms: float) -> Proof:
        if self._subreaper:
            text = f"keeper {self.record.pid} has no child left (ECHILD); {CONFINEMENT}"
        else:
            text = f"best effort: process group killed, this system has no subreaper; {CONFINEMENT}"
        return Proof(gone=True, processes=count, ms=ms, text=text)

    def _forget(self) -> None:
        _pids.discard(self.record.pid)
        self._path.unlink(missing_ok=True)


def _request(program: Program, path: Path, env: Mapping[str, str]) -> tuple[bytes, ...]:
    argv = map(os.fsencode, program.argv)
    variables = (os.fsencode(f"{key}={value}") for key, value in env.items())
    place = (os.fsencode(program.cwd.absolute()), os.fsencode(path.absolute()))
    return (b"run", b"%d" % program.nice, *place, *wire.counted(argv), *wire.counted(variables))
