"""A keeper without a keeper process: it runs a program by asyncio, and reaches only that program, not its tree."""

import asyncio
import contextlib
import os
import shutil
import time

from engine.processes.errors import ProgramMissing
from engine.processes.values import Exit


class PlainRunning:
    def __init__(self, process, on_output):
        self.pid = process.pid
        self.process = process
        self._began = time.monotonic()
        self._heard = b""
        self._on_output = on_output
        self._pump = asyncio.gather(self._listen(), self._listen_to_errors())

    async def _listen(self):
        while data := await self.process.stdout.read(1 << 16):
            if self.process.stderr is None:
                self._heard += data
            if self._on_output is not None:
                self._on_output(data)

    async def _listen_to_errors(self):
        while self.process.stderr is not None and (data := await self.process.stderr.read(1 << 16)):
            self._heard += data

    def say(self, data):
        if not self.process.stdin.is_closing():
            self.process.stdin.write(data)

    def hush(self):
        if self.process.stdin is not None:
            self.process.stdin.close()

    async def wait(self):
        await asyncio.shield(self._pump)
        status = await self.process.wait()
        code, signal = (status, None) if status >= 0 else (None, -status)
        self.hush()
        return Exit(code, signal, 0, time.monotonic() - self._began)

    def tail(self):
        return self._heard[-(1 << 20) :]


class PlainKeeper:
    """One program at a time, like the real one."""

    def __init__(self):
        self._running = None

    async def run(self, program, *, on_output=None):
        if shutil.which(program.argv[0], path=program.env.get("PATH", os.defpath)) is None:
            raise ProgramMissing(program.argv[0], "PATH")
        process = await asyncio.create_subprocess_exec(
            *program.argv,
            cwd=program.cwd,
            env=program.env,
            stdin=asyncio.subprocess.PIPE if program.talks else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE if program.talks else asyncio.subprocess.STDOUT,
        )
        self._running = PlainRunning(process, on_output)
        return self._running

    async def stop(self, grace):
        with contextlib.suppress(ProcessLookupError):
            self._running.process.terminate()
        await asyncio.wait_for(self._running.wait(), grace)

    async def close(self):
        if self._running:
            with contextlib.suppress(ProcessLookupError):
                self._running.process.kill()
            await self._running.wait()
