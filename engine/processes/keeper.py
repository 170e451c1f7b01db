"""A keeper as the engine sees it: one process that runs programs one after another, and ends them for certain.

A keeper outlives its programs and is used again. Everything a program started is gone before its exit is reported,
and `kill` comes back with the kernel's proof or with the names of the survivors.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from engine.processes import launch
from engine.processes.confinement.tiers import UNCONFINED, Cell, Tier
from engine.processes.errors import Busy, Interrupted, KeeperLost, NotCleared, OutputTooLarge
from engine.processes.lifeline import Lifeline
from engine.processes.records import Record
from engine.processes.running import Gathered, Running, Streamed, Talked
from engine.processes.speech import Speech
from engine.processes.values import Frozen, Measured, Program, Proof
from workspaces.ports import Completed

STARTS_AT_ONCE = 4
_SAID = 64 << 10

_starts: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


class Keeper:
    """One keeper process. Made by `start`, ended by `close`."""

    def __init__(self, line: Lifeline, env: Mapping[str, str], cell: Cell | None) -> None:
        self._line = line
        self._cell = cell
        self._env = dict(env)
        self._paused = False
        self._kills = 0
        self._turns = asyncio.Lock()

    @classmethod
    async def start(
        cls, name: str, *, records: Path, env: Mapping[str, str] | None = None, cell: Cell | None = None
    ) -> Keeper:
        """Start a keeper and record it in the folder `records`; at most four start at the same time.

        `env` is what `call` gives to commands; by default the harmless part of the engine's own. All programs are
        confined to `cell`; without one they are unconfined. Raises NameRefused, NotConfined, KeeperLost.
        """
        cap = _starts.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(STARTS_AT_ONCE))
        async with cap:
            line = await Lifeline.start(name, records, cell)
        return cls(line, launch.allowed(os.environ) if env is None else env, cell)

    @property
    def name(self) -> str:
        """Whose keeper it is."""
        return self._line.record.agent

    @property
    def record(self) -> Record:
        """What is written down about it: pid, start time, nonce."""
        return self._line.record

    @property
    def tier(self) -> Tier:
        """How its programs are confined."""
        return self._cell.tier if self._cell else UNCONFINED

    @property
    def listeners(self) -> tuple[socket.socket, ...]:
        """Sockets that listen inside the sandbox's own network, its only way out. The caller closes them."""
        return self._line.listeners

    @property
    def alive(self) -> bool:
        """Whether it can run programs."""
        return self._line.alive

    @property
    def lingers(self) -> bool:
        """Whether something of it may be there although nothing can be run in it: being killed, or outliving that."""
        return self._line.lingers

    @property
    def busy(self) -> bool:
        """Whether a program of it runs, or is being ended."""
        return self._line.running is not None

    async def idle(self) -> None:
        """Wait until nothing runs in it. It ends nothing."""
        while (running := self._line.running) is not None:
            await running.wait()
            await asyncio.sleep(0)  # whoever else waited for this end goes first

    async def run(self, program: Program, *, on_output: Callable[[bytes], None] | None = None) -> Running:
        """Start a program: stdin empty, stdout and stderr in one pipe that is read at its `rate`.

        One that `talks` has three pipes of its own. Raises ProgramMissing, StartFailed, Busy, KeeperLost, Interrupted
        (a kill came first).
        """
        path = self._find(program)
        if program.talks:
            talked, speech = Talked(program, on_output), Speech(program.argv[0])
            with speech.heard as heard:
                return await self._line.begin(program, path, heard.fileno(), talked, speech)
        with _input(b"") as nothing:
            return await self._line.begin(program, path, nothing.fileno(), Streamed(program, on_output))

    async def call(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 60.0,  # noqa: ASYNC109  it ends the whole tree, which cancellation alone would not
        limit: int = 64 << 20,
    ) -> Completed:
        """Run a command to its end and gather what it says; calls wait for each other.

        Out of time or cancelled, its whole tree is killed. Raises ProgramMissing, StartFailed, KeeperLost, Busy (a
        program of `run` is there), Interrupted (a kill came while it waited for its turn), OutputTooLarge.
        """
        kills = self._kills
        async with self._turns:
            if kills != self._kills:
                raise Interrupted(self.name, argv[0])
            program = Program(argv=tuple(argv), cwd=cwd, env={**self._env, **(env or {})})
            path = self._find(program)
            gathered = Gathered(limit, lambda: self._line.ask(b"kill"))
            with _input(stdin) as given:
                running = await self._line.begin(program, path, given.fileno(), gathered)
            timed_out = await self._see_out(running, timeout)
        if gathered.over:
            raise OutputTooLarge(argv[0], limit)
        return self._completed(running, gathered, timed_out=timed_out)

    async def clear(self, folders: Iterable[Path]) -> None:
        """Empty scratch folders of its cell, from inside and whatever was done to them; nothing else may run.

        Raises NotCleared, KeeperLost, Busy, Interrupted.
        """
        kills = self._kills
        async with self._turns:
            if kills != self._kills:
                raise Interrupted(self.name, "clear")
            self._see_free()
            places = [os.fsencode(self._inside(folder)) for folder in folders]
            gathered = Gathered(_SAID, lambda: None)
            with _input(b"") as nothing:
                running = await self._line.clear(places, nothing.fileno(), gathered)
            ended = await running.wait()
        if ended.code != 0:
            raise NotCleared(self.name, gathered.err.decode("utf-8", "replace") or f"{ended}")

    def _inside(self, folder: Path) -> Path:
        """Where its programs see a folder."""
        if self._cell is None or self._cell.tier.name != "strong":
            return folder
        profile = self._cell.profile
        return {profile.home: profile.home_at, profile.tmp: Path("/tmp")}.get(folder, folder)  # noqa: S108  their own

    async def measure(self) -> Measured:
        """What its programs use now. Raises KeeperLost."""
        return await self._line.measure()

    async def pause(self) -> Frozen:
        """Let nothing in it run: the control group is frozen, or SIGSTOP goes to the whole tree until nobody is awake.

        Raises KeeperLost.
        """
        self._paused = True
        return await self._line.pause()

    async def resume(self) -> None:
        """Let it go on; who had stopped himself before stays stopped. Raises KeeperLost."""
        self._paused = False
        await self._line.resume()

    async def stop(self, grace: float) -> Proof:
        """SIGTERM to the whole tree, then, after `grace` seconds, `kill`. A paused program is woken to hear it."""
        running = self._line.running
        if running is None or not self.alive:
            return await self.kill()
        self._paused = False
        asked = self._line.ask(b"term")
        self._line.thaw()
        self._line.wake()
        try:
            await asyncio.wait_for(running.wait(), grace)
        except TimeoutError:
            return await self.kill()
        proof = await self.kill()
        told = 0 if asked.cancelled() or not asked.done() else int(asked.result()[1])
        return replace(proof, processes=told, text=f"ended after SIGTERM; {proof.text}")

    async def kill(self) -> Proof:
        """SIGKILL to the whole tree, at once, in whatever state it is.

        A sandbox goes whole and its keeper with it: it cannot be used again (`alive` is False), nor can one that hung
        or was dead and is felled from here. Any other keeper stays for the next program.
        """
        self._kills += 1
        self._paused = False
        return await self._line.kill()

    async def close(self) -> None:
        """End the keeper and what it runs. Harmless twice."""
        await self._line.close()

    def _find(self, program: Program) -> Path:
        """The file to execute, if anything can be run now."""
        self._see_free()
        return launch.locate(program.argv[0], program.cwd, program.env)

    def _see_free(self) -> None:
        """Raises KeeperLost, Busy."""
        if not self.alive:
            raise KeeperLost(self.name, "it is gone")
        if self._paused:
            raise Busy(self.name, "it is paused")
        if self._line.running:
            raise Busy(self.name, f"process {self._line.running.pid} runs in it")

    async def _see_out(self, running: Running, timeout: float) -> bool:  # noqa: ASYNC109  as in `call`
        try:
            await asyncio.wait_for(running.wait(), timeout)
        except TimeoutError:
            await self._clear_out()
            return True
        except asyncio.CancelledError:
            await self._clear_out()
            raise
        return False

    async def _clear_out(self) -> None:
        """End what runs, not the keeper."""
        self._kills += 1
        self._paused = False
        await self._line.clear_out()

    def _completed(self, running: Running, gathered: Gathered, *, timed_out: bool) -> Completed:
        ended = running.ended
        if not timed_out and (ended is None or (ended.code is None and ended.signal is None)):
            raise KeeperLost(self.name, "it was lost while a command ran")
        code = -9 if ended is None or ended.code is None else ended.code
        if ended and ended.signal:
            code = -ended.signal
        seconds = ended.seconds if ended else time.time() - running.started
        return Completed(
            code=code, out=bytes(gathered.out), err=bytes(gathered.err), seconds=seconds, timed_out=timed_out
        )


async def kill_all(keepers: Iterable[Keeper]) -> list[tuple[str, Proof]]:
    """Kill everything in all of them: every request is out before the first answer is waited for."""
    chosen = list(keepers)
    proofs = await asyncio.gather(*(keeper.kill() for keeper in chosen))
    return [(keeper.name, proof) for keeper, proof in zip(chosen, proofs, strict=True)]


def _input(data: bytes) -> IO[bytes]:
    """Something to read `data` from that never blocks us: a file without a name, not a pipe that has to be fed."""
    if not data:
        return Path(os.devnull).open("rb")
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    file.write(data)
    file.seek(0)
    return file
