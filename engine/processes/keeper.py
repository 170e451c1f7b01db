"""A keeper as the engine sees it: one process that runs programs one after another, and ends them for certain.

A keeper outlives its programs and is used again. Everything a program started is gone before its exit is reported,
and `kill` comes back with the kernel's proof or with the names of the survivors. Nothing is confined yet: every record
and proof says so. A sandbox will wrap `argv` in `Keeper._begin`, the one place where programs pass on their way out.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.processes import CONFINEMENT, launch, tree, wire
from engine.processes import records as recording
from engine.processes.channel import Answer, Channel
from engine.processes.errors import Busy, Interrupted, KeeperLost, OutputTooLarge, StartFailed
from engine.processes.felling import NONCE, Felling
from engine.processes.records import Record
from engine.processes.running import Gathered, Running, Streamed, Taking
from engine.processes.values import Frozen, Program, Proof
from workspaces.ports import Completed

STARTS_AT_ONCE = 4
START_SECONDS = 10.0
ANSWER_SECONDS = 5.0
KILL_SECONDS = 0.5
END_SECONDS = 1.0

_pids: set[int] = set()
_starts: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


class Keeper:
    """One keeper process. Made by `start`, ended by `close`."""

    def __init__(
        self, record: Record, path: Path, process: subprocess.Popen[bytes], end: socket.socket, env: Mapping[str, str]
    ) -> None:
        self.record = record
        self._path = path
        self._process = process
        self._env = dict(env)
        self._channel = Channel(end, self._on_frame, self._on_end)
        self._running: Running | None = None
        self._paused = False
        self._kills = 0
        self._turns = asyncio.Lock()
        self._felling = Felling(record, lambda: _pids)
        self._burial: asyncio.Task[Proof] | None = None
        self._subreaper = False

    @classmethod
    async def start(cls, name: str, *, records: Path, env: Mapping[str, str] | None = None) -> Keeper:
        """Start a keeper and record it in the folder `records`; at most four start at the same time.

        `env` is what `call` gives to commands; by default the harmless part of the engine's own. Raises NameRefused,
        KeeperLost.
        """
        path = recording.path_of(records, name)
        loop = asyncio.get_running_loop()
        async with _starts.setdefault(loop, asyncio.Semaphore(STARTS_AT_ONCE)):
            process, end = launch.launch(name)
            _pids.add(process.pid)
            record = _describe(name, process.pid)
            keeper = cls(record, path, process, end, launch.allowed(os.environ) if env is None else env)
            try:
                recording.write(records, record)
                ready = await keeper._answer(keeper._channel.expect(b"ready"), START_SECONDS)
                keeper._subreaper = ready[1] == b"1"
            except BaseException:
                process.kill()
                await keeper.close()
                raise
        return keeper

    @property
    def name(self) -> str:
        """Whose keeper it is."""
        return self.record.agent

    @property
    def alive(self) -> bool:
        """Whether it can run programs."""
        return self._channel.open

    @property
    def busy(self) -> bool:
        """Whether a program of it runs, or is being ended."""
        return self._running is not None

    async def run(self, program: Program, *, on_output: Callable[[bytes], None] | None = None) -> Running:
        """Start a program: stdin empty, stdout and stderr in one pipe that is read at 2 MB/s on average.

        Raises ProgramMissing, StartFailed, Busy, KeeperLost.
        """
        path = self._find(program)
        with open(os.devnull, "rb", buffering=0) as nothing:  # noqa: PTH123, ASYNC230  a descriptor, no more
            return await self._begin(program, path, nothing.fileno(), Streamed(program, on_output))

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
            gathered = Gathered(limit, lambda: self._channel.ask(b"kill"))
            with tempfile.TemporaryFile(buffering=0) as given:
                given.write(stdin)
                given.seek(0)
                running = await self._begin(program, path, given.fileno(), gathered)
            timed_out = await self._see_out(running, timeout)
        if gathered.over:
            raise OutputTooLarge(argv[0], limit)
        return self._completed(running, gathered, timed_out=timed_out)

    async def pause(self) -> Frozen:
        """SIGSTOP to the whole tree, until nobody is awake. Raises KeeperLost."""
        self._paused = True
        frame = await self._answer(self._channel.ask(b"pause"))
        return Frozen(int(frame[1]), int(frame[2]))

    async def resume(self) -> None:
        """SIGCONT to those whom `pause` stopped. Raises KeeperLost."""
        self._paused = False
        await self._answer(self._channel.ask(b"resume"))

    async def stop(self, grace: float) -> Proof:
        """SIGTERM to the whole tree, then, after `grace` seconds, `kill`. A paused program is woken to hear it."""
        running = self._running
        if running is None or not self.alive:
            return await self.kill()
        self._paused = False
        asked = self._channel.ask(b"term")
        self._wake()
        try:
            await asyncio.wait_for(running.wait(), grace)
        except TimeoutError:
            return await self.kill()
        proof = await self.kill()
        told = 0 if asked.cancelled() or not asked.done() else int(asked.result()[1])
        return replace(proof, processes=told, text=f"ended after SIGTERM; {proof.text}")

    async def kill(self) -> Proof:
        """SIGKILL to the whole tree, at once, in whatever state it is; the keeper stays for the next program.

        A keeper that hangs or is dead is felled from here, and then cannot be used again (`alive` is False).
        """
        began = time.monotonic()
        self._kills += 1
        self._paused = False
        answer = self._channel.ask(b"kill")
        self._wake()
        await asyncio.wait({answer}, timeout=KILL_SECONDS)
        if answer.done() and not answer.cancelled():
            return self._proven(int(answer.result()[1]), (time.monotonic() - began) * 1000)
        proof = await self._bury()
        return replace(proof, ms=(time.monotonic() - began) * 1000)

    async def close(self) -> None:
        """End the keeper and what it runs. Harmless twice."""
        if self._running and self.alive:
            await self.kill()
        gone = (await self._bury()).gone if self._burial else True
        self._channel.close()
        if self._running:
            self._drop(self._running)
        deadline = time.monotonic() + END_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110  it exits in 2 ms
            await asyncio.sleep(0.002)
        if gone and self._process.returncode is not None:
            self._forget()

    def _find(self, program: Program) -> Path:
        """The file to execute, if anything can be run now."""
        if not self.alive:
            raise KeeperLost(self.name, "it is gone")
        if self._paused:
            raise Busy(self.name, "it is paused")
        if self._running:
            raise Busy(self.name, f"process {self._running.pid} runs in it")
        return launch.locate(program.argv[0], program.cwd, program.env)

    async def _begin(self, program: Program, path: Path, stdin: int, taking: Taking) -> Running:
        self._running = running = Running(taking)
        try:
            request = _request(program, path, {**program.env, NONCE: self.record.nonce})
            answer = self._channel.ask(*request, descriptors=(stdin, *taking.write_ends))
        except (BlockingIOError, ValueError):
            self._drop(running)
            raise
        finally:
            taking.started()
        answer.add_done_callback(partial(self._on_started, running))
        try:
            frame = await self._answer(asyncio.shield(answer))
        except BaseException:
            self._channel.ask(b"kill")
            raise
        if frame[0] == b"failed":
            raise StartFailed(program.argv[0], program.cwd, frame[2].decode(), int(frame[1]))
        return running

    async def _see_out(self, running: Running, timeout: float) -> bool:  # noqa: ASYNC109  as in `call`
        try:
            await asyncio.wait_for(running.wait(), timeout)
        except TimeoutError:
            await self.kill()
            return True
        except asyncio.CancelledError:
            await self.kill()
            raise
        return False

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

    async def _answer(self, answer: asyncio.Future[Answer], seconds: float = ANSWER_SECONDS) -> Answer:
        await asyncio.wait({answer}, timeout=seconds)
        if not answer.done():
            raise KeeperLost(self.name, f"it did not answer within {seconds:g} s")
        if answer.cancelled():
            raise KeeperLost(self.name, "it is gone")
        return answer.result()

    def _on_started(self, running: Running, answer: asyncio.Future[Answer]) -> None:
        if answer.cancelled():
            return
        if answer.result()[0] == b"started":
            running.pid = int(answer.result()[1])
            return
        self._drop(running)

    def _on_frame(self, frame: Answer) -> None:
        if frame[0] == b"exited" and self._running:
            code = os.waitstatus_to_exitcode(int(frame[1]))
            running, self._running = self._running, None
            running.end(code if code >= 0 else None, -code if code < 0 else None, int(frame[2]))

    def _drop(self, running: Running) -> None:
        """It never ran, or nobody knows how it ended."""
        running.end(None, None)
        if self._running is running:
            self._running = None

    def _on_end(self) -> None:
        self._burial = self._burial or asyncio.get_running_loop().create_task(self._fell())

    async def _bury(self) -> Proof:
        self._burial = self._burial or asyncio.get_running_loop().create_task(self._fell())
        return await asyncio.shield(self._burial)

    async def _fell(self) -> Proof:
        """The keeper is of no use: do its work from here."""
        if not self.record.boot_id:  # no /proc: what was below a dead keeper cannot be found
            self._process.kill()
            text = "the keeper is lost and this system cannot say what it left; best effort"
            return Proof(gone=False, processes=0, ms=0.0, text=text)
        proof = await self._felling.run_async(END_SECONDS)
        if self._process.poll() is None:
            self._felling.release()
            self._burial = None
            return proof
        self._channel.close()
        if self._running:
            self._drop(self._running)
        if proof.gone:
            self._forget()
        else:
            self._burial = None
        return proof

    def _wake(self) -> None:
        """A keeper that its agent has stopped cannot hear us: SIGCONT, which does nothing to any other.

        Not asked whether it is stopped: a SIGSTOP may still be on its way.
        """
        keeper = tree.look(self.record.pid)
        if keeper and keeper.start == self.record.start:
            tree.send(keeper, signal.SIGCONT)

    def _proven(self, count: int, ms: float) -> Proof:
        if self._subreaper:
            text = f"keeper {self.record.pid} has no child left (ECHILD); {CONFINEMENT}"
        else:
            text = f"best effort: process group killed, this system has no subreaper; {CONFINEMENT}"
        return Proof(gone=True, processes=count, ms=ms, text=text)

    def _forget(self) -> None:
        _pids.discard(self.record.pid)
        self._path.unlink(missing_ok=True)


async def kill_all(keepers: Iterable[Keeper]) -> list[tuple[str, Proof]]:
    """Kill everything in all of them: every request is out before the first answer is waited for."""
    chosen = list(keepers)
    proofs = await asyncio.gather(*(keeper.kill() for keeper in chosen))
    return [(keeper.name, proof) for keeper, proof in zip(chosen, proofs, strict=True)]


def _describe(name: str, pid: int) -> Record:
    keeper, engine = tree.look(pid), tree.look(os.getpid())
    return Record(
        agent=name,
        pid=pid,
        start=keeper.start if keeper else 0,
        boot_id=recording.boot_id(),
        nonce=secrets.token_hex(8),
        created=time.time(),
        engine_pid=os.getpid(),
        engine_start=engine.start if engine else 0,
    )


def _request(program: Program, path: Path, env: Mapping[str, str]) -> tuple[bytes, ...]:
    argv = map(os.fsencode, program.argv)
    variables = (os.fsencode(f"{key}={value}") for key, value in env.items())
    place = (os.fsencode(program.cwd), os.fsencode(path))
    return (b"run", b"%d" % program.nice, *place, *wire.counted(argv), *wire.counted(variables))
