"""The engine's hold on one keeper process: start a program in it, end everything in it, end it.

Three ways to kill: the keeper does it and proves it by ECHILD; a sandbox is killed from here by the handle of its first
process, and its end is the proof; or, where a keeper is dead or does not answer, the engine fells the tree from here,
and the keeper with it. Every program passes through `begin` on its way out.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.processes import tree, wire
from engine.processes.channel import Answer, Channel
from engine.processes.confinement.tiers import Cell
from engine.processes.errors import Interrupted, KeeperLost, NotConfined, StartFailed
from engine.processes.felling import PATIENCE, Felling, adopted
from engine.processes.launch import KEEPERS
from engine.processes.running import Running, Taking
from engine.processes.sandbox import Sandbox
from engine.processes.speech import Speech
from engine.processes.starting import Started, ended, start
from engine.processes.values import Frozen, Measured, Program, Proof

ANSWER_SECONDS = 5.0
KILL_SECONDS = FREEZE_SECONDS = 0.5


class Lifeline:
    """A keeper process and what runs in it. Made by `start`, ended by `close`."""

    def __init__(self, started: Started) -> None:
        self.running: Running | None = None
        self.record, self.listeners = started.record, started.listeners
        self._path, self._process = started.path, started.process
        self._subreaper, self._sandbox = started.subreaper, started.sandbox
        self._channel = Channel(started.end, self._on_frame, self._on_end)
        self._felling = Felling(self.record, lambda: KEEPERS)
        self._burial: asyncio.Task[Proof] | None = None
        self._patience = PATIENCE
        self._survived = False  # something has, of what was killed
        self._frozen = False  # by its group
        self._condemned = False  # its sandbox was killed, and nothing new may be begun

    @classmethod
    async def start(cls, name: str, folder: Path, cell: Cell | None = None) -> Lifeline:
        """Start a keeper process and record it. Raises NameRefused, NotConfined, KeeperLost."""
        return cls(await start(name, folder, cell))

    @property
    def alive(self) -> bool:
        """Whether it can run programs."""
        return self._channel.open and not self._condemned

    @property
    def lingers(self) -> bool:
        """Whether something of it may be there, by all that is known here."""
        buried = self._burial is None or self._burial.done()
        return self._survived or not buried or (self._sandbox is not None and not self._sandbox.look_again())

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

    async def begin(
        self, program: Program, path: Path, stdin: int, taking: Taking, speech: Speech | None = None
    ) -> Running:
        """Start `program` from the file `path`; cancelled or unanswered, it is killed.

        Raises StartFailed, NotConfined, KeeperLost, Interrupted (a kill came first).
        """
        request = _request(program, path, {**program.env, tree.NONCE: self.record.nonce})
        running = Running(program.argv[0], taking, speech)
        frame = await self._set_off(running, request, stdin)
        if frame[0] == b"failed":
            raise StartFailed(program.argv[0], program.cwd, frame[2].decode(), int(frame[1]))
        return running

    async def clear(self, places: list[bytes], stdin: int, taking: Taking) -> Running:
        """Begin to empty folders. Raises NotConfined, StartFailed, KeeperLost, Interrupted."""
        running = Running("clear", taking)
        frame = await self._set_off(running, (b"clear", *wire.counted(places)), stdin)
        if frame[0] == b"failed":
            raise StartFailed("clear", Path("/"), frame[2].decode(), int(frame[1]))
        return running

    async def _set_off(self, running: Running, request: tuple[bytes, ...], stdin: int) -> Answer:
        """Ask for what is to run; what the keeper says to it. Raises NotConfined, KeeperLost, Interrupted."""
        self.running = running
        try:
            answer = self._channel.ask(*request, descriptors=(stdin, *running.taking.write_ends))
        except BlockingIOError:
            self._drop(running)
            raise KeeperLost(self.record.agent, "it does not read what it is asked") from None
        except ValueError:
            self._drop(running)
            raise
        finally:
            running.taking.started()
        answer.add_done_callback(partial(self._on_started, running))
        try:
            frame = await self.answer(asyncio.shield(answer))
        except KeeperLost:
            self.ask(b"kill")
            if self._condemned:
                raise Interrupted(self.record.agent, running.program) from None
            raise
        except BaseException:
            self.ask(b"kill")
            raise
        if frame[0] == b"failed" and frame[2] == b"confinement":
            raise NotConfined(self.record.agent, self.record.confinement, frame[3].decode("utf-8", "replace"))
        return frame

    async def measure(self) -> Measured:
        """What runs in it uses; a sandbox is looked into, and nobody in it is asked. Raises KeeperLost."""
        if self._sandbox and self.alive:
            return self._sandbox.measure()
        frame = await self.answer(self.ask(b"measure"))
        return Measured(*map(int, frame[1:4]))

    async def pause(self) -> Frozen:
        """Let nothing run in it. Raises KeeperLost."""
        if self._sandbox and await self._sandbox.freeze(FREEZE_SECONDS):
            self._frozen = True
            return Frozen(self._sandbox.count())
        frame = await self.answer(self.ask(b"pause"))
        return Frozen(int(frame[1]), int(frame[2]))

    async def resume(self) -> None:
        """Let it go on. Raises KeeperLost."""
        if not self.thaw():
            await self.answer(self.ask(b"resume"))

    def thaw(self) -> bool:
        """Undo a pause that froze the group. False where there was none."""
        thawed, self._frozen = self._frozen, False
        if thawed and self._sandbox:
            self._sandbox.thaw()
        return thawed

    async def kill(self) -> Proof:
        """End everything in it, in whatever state it is; a sandbox goes with it."""
        return await (self.clear_out() if self._sandbox is None else self._raze(self._sandbox))

    async def clear_out(self) -> Proof:
        """End everything in it, and keep the keeper for the next program if it can do it."""
        began = time.monotonic()
        answer = self.ask(b"kill")
        self.thaw()
        self.wake()
        await asyncio.wait({answer}, timeout=KILL_SECONDS)
        if answer.done() and not answer.cancelled():
            return self._proven(int(answer.result()[1]), (time.monotonic() - began) * 1000)
        proof = await self._bury(PATIENCE - KILL_SECONDS)
        return replace(proof, ms=(time.monotonic() - began) * 1000)

    async def _raze(self, sandbox: Sandbox) -> Proof:
        """Kill a sandbox whole. Its handle says when all of it is gone."""
        began = time.monotonic()
        count = 0 if sandbox.look_again() else sandbox.count()
        self._condemned = True
        sandbox.fire()
        if await sandbox.ends(KILL_SECONDS):
            self._part()
            proof = self._sandbox_gone(sandbox, count)
        else:
            felled = await self._bury(PATIENCE - KILL_SECONDS)
            proof = replace(felled, processes=max(count, felled.processes))
        return replace(proof, ms=(time.monotonic() - began) * 1000)

    def _part(self) -> None:
        """Nothing is left in the sandbox: hear what it said before, and hang up."""
        self._channel.drain()
        self._channel.close()
        self.wake()  # it has only to reap, and to end
        if self.running:
            self._drop(self.running)

    async def close(self) -> None:
        """End the keeper and what it runs. Harmless twice."""
        if self.running and self.alive:
            await self.kill()
        if self._burial:
            await self._bury()
        self._channel.close()
        if self.running:
            self._drop(self.running)
        self.wake()
        if not await ended(self._process) and not self._survived:
            self._process.kill()  # nothing runs in it; it hangs
            await ended(self._process)
        if self._process.returncode is not None and not self._survived:
            self._forget()
        if self._sandbox and self._sandbox.look_again():
            self._sandbox.close()
            _reap_adopted()

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
            inside = int(answer.result()[1])
            running.pid = self._sandbox.outside(inside) or inside if self._sandbox else inside
        else:
            self._drop(running)

    def _on_frame(self, frame: Answer) -> None:
        if frame[0] == b"exited" and self.running:
            code = os.waitstatus_to_exitcode(int(frame[1]))
            running, self.running = self.running, None
            running.end(code if code >= 0 else None, -code if code < 0 else None, int(frame[2]))

    def _drop(self, running: Running) -> None:
        """It was killed with its sandbox by us, it never ran, or nobody knows how it ended."""
        if self.running is running:
            self.running = None
        running.end(None, int(signal.SIGKILL) if self._condemned else None)

    def _on_end(self) -> None:
        self._burial = self._burial or asyncio.get_running_loop().create_task(self._fell())

    async def _bury(self, patience: float = PATIENCE) -> Proof:
        self._patience = patience
        self._on_end()
        assert self._burial is not None  # noqa: S101  for the type checker
        return await asyncio.shield(self._burial)

    async def _fell(self) -> Proof:
        """The keeper is of no use: do its work from here."""
        if not self.record.boot_id:  # no /proc: what was below a dead keeper cannot be found
            self._process.kill()
            text = "the keeper is lost and this system cannot say what it left; best effort"
            return Proof(gone=False, processes=0, ms=0.0, text=text)
        while not (gone := self._felling.strike()) and not self._felling.over(self._patience):  # noqa: ASYNC110
            await asyncio.sleep(self._felling.pause)  # deaths of those that are not our children send no event
        proof = self._felling.proof(gone=gone)
        self._felling.release()
        if self._process.poll() is not None:
            self._channel.close()
            if self.running:
                self._drop(self.running)
        self._survived = not gone
        if gone:
            self._forget()
        else:
            self._burial = None  # the next kill tries again
        return proof

    def _proven(self, count: int, ms: float) -> Proof:
        self._survived = False
        if self._subreaper:
            text = f"keeper {self.record.pid} has no child left (ECHILD); {self.record.confinement}"
        else:
            text = f"best effort: process group killed, this system has no subreaper; {self.record.confinement}"
        return Proof(gone=True, processes=count, ms=ms, text=text)

    def _sandbox_gone(self, sandbox: Sandbox, count: int) -> Proof:
        self._survived = False
        more = ", cgroup populated 0" if sandbox.group else ""
        text = f"namespace init {sandbox.pid} is gone, and with it all inside (pidfd){more}; {self.record.confinement}"
        return Proof(gone=True, processes=count, ms=0.0, text=text)

    def _forget(self) -> None:
        KEEPERS.discard(self.record.pid)
        self._path.unlink(missing_ok=True)
        if self._sandbox and self._sandbox.group:
            self._sandbox.group.remove()


def _reap_adopted() -> None:
    """A control group may have been killed with the keeper in it, who then reaped nobody."""
    me = tree.look(os.getpid())
    if me:
        adopted(me, KEEPERS)


def _request(program: Program, path: Path, env: Mapping[str, str]) -> tuple[bytes, ...]:
    argv = map(os.fsencode, program.argv)
    variables = (os.fsencode(f"{key}={value}") for key, value in env.items())
    place = (os.fsencode(program.cwd.absolute()), os.fsencode(path.absolute()))
    return (b"run", b"%d" % program.nice, *place, *wire.counted(argv), *wire.counted(variables))
