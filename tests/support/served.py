"""A fake engine behind a real socket: in a thread of this process, or in a process that can be killed."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from support.fake_engine import FakeEngine

from engine.api.server import Server

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def short_folder():
    """A private folder with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="qd-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Served:
    """What a test may do to the engine from outside its loop."""

    def __init__(self, path, **options):
        self.path, self._options = path, options
        self.counts = []
        self.engine = self.server = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self):
        self._loop = asyncio.get_running_loop()
        self.engine = FakeEngine(**self._options)
        self.server = Server(self.engine, self.path, changed=self._count)
        self._changed = threading.Condition()
        await self.server.start()
        self._ready.set()
        await self.engine.ended.wait()
        await self.server.close()

    def _count(self, count):
        with self._changed:
            self.counts.append(count)
            self._changed.notify_all()

    def do(self, function):
        """Run a function on the engine's loop and give what it returns."""

        async def call():
            return function(self.engine)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def wait_for_clients(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: (self.counts or [0])[-1] == count, 10), self.counts

    def _let_go(self):
        self.engine.release.set()
        self.engine.ended.set()

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        with suppress(RuntimeError):  # a client has ended it
            self._loop.call_soon_threadsafe(self._let_go)
        self._thread.join(10)
        assert not self._thread.is_alive()


@contextmanager
def own_process(path):
    """The engine in its own process."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "support.fake_engine", str(path)], stdout=subprocess.PIPE, env=environment
    )
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        process.stdout.close()
