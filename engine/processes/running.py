"""A program that runs, and the ways to take what it says: a stream for people, one half of a talk, or gathered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from engine.processes.errors import NotHeard
from engine.processes.output import Intake
from engine.processes.rings import Bucket, LogFile, Ring
from engine.processes.speech import Speech
from engine.processes.values import Exit, Held, Program

NOTICEABLE = 1.0
"""Seconds that a program may wait in its writes before anybody is told."""


class Taking(Protocol):
    """Where a program's two output descriptors lead. `finish` reads what is left and closes everything."""

    @property
    def write_ends(self) -> tuple[int, int]:
        """For stdout and stderr."""

    def started(self) -> None:
        """The program has its ends: close ours."""

    def finish(self) -> None:
        """The program's tree is gone."""

    def tail(self) -> bytes:
        """The last of what was said."""


class Streamed:
    """One pipe for both, at the program's rate, into a ring, a capped log file and whoever listens."""

    def __init__(self, program: Program, listener: Callable[[bytes], None] | None) -> None:
        self._ring = Ring()
        self._log = LogFile(program.log, program.log_bytes) if program.log else None
        self._listener = listener
        self._held = program.held
        self._told: set[Held] = set()
        self._intake = Intake(self._write, Bucket(program.rate))

    @property
    def write_ends(self) -> tuple[int, int]:
        """The same pipe twice, so that the order of lines is that of writing."""
        return self._intake.write_end, self._intake.write_end

    def started(self) -> None:
        """The program has its ends: close ours."""
        self._intake.close_write_end()

    def finish(self) -> None:
        """Read what is left and close everything."""
        try:
            self._intake.finish()
        finally:  # a listener may raise
            if self._log:
                self._log.close()

    def tail(self) -> bytes:
        """The last of what was said, at most 1 MiB."""
        return self._ring.tail()

    def _write(self, data: bytes) -> None:
        self._ring.write(data)
        if self._log:
            self._log.write(data)
        if self._listener:
            self._listener(data)
        self._notice(self._intake)
        if self._log and self._log.full:
            self._tell("log")

    def _notice(self, intake: Intake) -> None:
        if intake.waited > NOTICEABLE:
            self._tell("output")

    def _tell(self, what: Held) -> None:
        if self._held and what not in self._told:
            self._told.add(what)
            self._held(what)


class Talked(Streamed):
    """Two pipes, each at the program's rate: stdout only to whoever listens, stderr into the ring and the log."""

    def __init__(self, program: Program, listener: Callable[[bytes], None] | None) -> None:
        super().__init__(program, None)
        self._hearer = listener
        self._spoken = Intake(self._hear, Bucket(program.rate))

    @property
    def write_ends(self) -> tuple[int, int]:
        """One for stdout, one for stderr."""
        return self._spoken.write_end, self._intake.write_end

    def started(self) -> None:
        """The program has its ends: close ours."""
        self._spoken.close_write_end()
        super().started()

    def finish(self) -> None:
        """Read what is left and close everything."""
        try:
            self._spoken.finish()
        finally:  # a listener may raise
            super().finish()

    def _hear(self, data: bytes) -> None:
        if self._hearer:
            self._hearer(data)
        self._notice(self._spoken)


class Gathered:
    """Two pipes, kept whole up to `limit` bytes together; then `too_much` is called once and the rest is dropped."""

    def __init__(self, limit: int, too_much: Callable[[], object]) -> None:
        self.out, self.err = bytearray(), bytearray()
        self.over = False
        self._room = limit
        self._too_much = too_much
        self._intakes = (Intake(self._take(self.out)), Intake(self._take(self.err)))

    @property
    def write_ends(self) -> tuple[int, int]:
        """One for stdout, one for stderr."""
        out, err = self._intakes
        return out.write_end, err.write_end

    def started(self) -> None:
        """The program has its ends: close ours."""
        for intake in self._intakes:
            intake.close_write_end()

    def finish(self) -> None:
        """Read what is left and close everything."""
        for intake in self._intakes:
            intake.finish()

    def tail(self) -> bytes:
        """The end of what went to stderr."""
        return bytes(self.err[-4096:])

    def _take(self, place: bytearray) -> Callable[[bytes], None]:
        def sink(data: bytes) -> None:
            self._room -= len(data)
            if self._room >= 0:
                place.extend(data)
            elif not self.over:
                self.over = True
                self._too_much()

        return sink


class Running:
    """A program from its start until its whole tree is gone. `started` is Unix time, `pid` that of its main process."""

    def __init__(self, program: str, taking: Taking, speech: Speech | None = None) -> None:
        self.pid = 0
        self.started = time.time()
        self.program, self.taking = program, taking
        self._speech = speech
        self._began = time.monotonic()
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    async def wait(self) -> Exit:
        """Until nothing of it is left. Cancelling the wait does not touch the program."""
        return await asyncio.shield(self._exit)

    def tail(self) -> bytes:
        """The last of its output."""
        return self.taking.tail()

    def say(self, data: bytes) -> None:
        """Write to its standard input; what it does not read yet waits here, and goes with its end.

        Raises NotHeard where too much waits, or it is a program that does not talk.
        """
        if self._speech is None:
            raise NotHeard(self.program, None)
        self._speech.say(data)

    def hush(self) -> None:
        """Close its standard input, once all that was said is written. Harmless twice, and when it has ended."""
        if self._speech is not None:
            self._speech.hush()

    @property
    def ended(self) -> Exit | None:
        """How it ended, if it did."""
        return self._exit.result() if self._exit.done() else None

    def end(self, code: int | None, number: int | None, leftovers: int = 0) -> None:
        """For the keeper's use: the tree is gone (or lost). Harmless twice."""
        if not self._exit.done():
            seconds = time.monotonic() - self._began
            if self._speech is not None:
                self._speech.close()
            try:
                self.taking.finish()
            finally:  # a listener may raise
                self._exit.set_result(Exit(code, number, leftovers, seconds))
