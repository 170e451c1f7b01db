"""An engine behind a real socket: the fake or the real one in a thread, or the fake one in a process to be killed."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from support.fake_engine import FakeEngine
from support.repos import make

from engine.api.calls import RunRequest
from engine.api.server import Server
from engine.core import commands as c
from engine.journal.keys import KeyRing
from engine.journal.writer import Journal
from engine.runtime.local import LocalEngine
from engine.runtime.record import Record
from workspaces.layout import Layout
from workspaces.repository import Repository

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[project]
check = ["true"]
review = false
[agents.builder]
runtime = "command"
command = ["sh", "agent.sh"]
does = ["implement"]
"""
AGENT = """\
exec 3<>"$QUARTERDECK_OUTBOX/../orders"
while read -r verb what rest <&3; do
  case $verb in
    say) printf '%s\\n' "$what${rest:+ $rest}" ;;
    count) seq -f "line %g" "$what" ;;
    write) printf '%s\\n' "$rest" > "$what" ;;
    done) exit 0 ;;
  esac
done
"""
"""Does what it is told through a named pipe, until then nothing."""


@contextmanager
def short_folder():
    """A private folder with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="qd-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Served:
    """A fake engine, and what a test may do to it from outside its loop."""

    request = RunRequest(goal="mend it")

    def __init__(self, path, **options):
        self.path, self._options = path, options
        self.counts = []
        self.engine = self.server = None
        self._ready = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self):
        self._loop = asyncio.get_running_loop()
        async with self._made() as (engine, ended):
            self.engine = engine
            self.server = Server(engine, self.path, changed=self._count)
            await self.server.start()
            self._ready.set()
            await ended
            await self._go_down()
            await self.server.close()

    @asynccontextmanager
    async def _made(self):
        engine = FakeEngine(**self._options)
        yield engine, engine.ended.wait()

    async def _go_down(self):
        self.engine.release.set()

    def _count(self, count):
        with self._changed:
            self.counts.append(count)
            self._changed.notify_all()

    def do(self, function):
        """Run a function on the engine's loop and give what it returns."""

        async def call():
            return function(self.engine)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(20)

    def seq(self):
        return self.do(lambda engine: engine.seq)

    def recorded(self):
        return list(self.do(lambda engine: engine.since(0, sys.maxsize)))

    def notice(self, *texts):
        """Let events happen; returns when they are durable."""
        self.do(lambda engine: [engine.do(c.Noticed(text=text)) for text in texts])

    # -- what the builder does, once a run is on

    def say(self, line):
        """Have the builder print a line."""
        self.do(lambda engine: engine.say("builder", f"{line}\n"))

    def count(self, number):
        """Have it print so many numbered lines at once."""
        self.do(lambda engine: engine.say("builder", "".join(f"line {n}\n" for n in range(1, number + 1))))

    def write(self, path, text):
        """Have it write a new file in its clone."""
        self.do(lambda engine: engine.clones.setdefault("builder", {}).update({path: text}))

    def wait_for_clients(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: (self.counts or [0])[-1] == count, 10), self.counts

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        with suppress(RuntimeError):  # a client has ended it
            self._loop.call_soon_threadsafe(self._let_go)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _let_go(self):
        self.engine.ended.set()


class ServedReal(Served):
    """The real engine in a repository of its own."""

    request = RunRequest(goal="mend it", agent="builder", unconfined=True, environment={"PATH": os.environ["PATH"]})

    @asynccontextmanager
    async def _made(self):
        root = make(self.path.parent / "repository", {"quarterdeck.toml": CONFIG, "agent.sh": AGENT})
        layout = Layout(root, self.path.parent / "state")
        layout.create()
        layout.create_agent("builder")
        self._orders = layout.agents / "builder" / "orders"
        os.mkfifo(self._orders)
        journal = Journal.open(layout.journal, signer=KeyRing(layout.keys).signer("engine"))
        engine = LocalEngine(await Repository.open(root), layout, Record(journal))
        await engine.come_up()
        try:
            yield engine, engine.ended
        finally:
            journal.close()

    async def _go_down(self):
        await self.engine.go_down("the test is over", kill=True)

    def notice(self, *texts):
        async def all_of_them():
            await asyncio.gather(*(self.engine.record.report(c.Noticed(text=text)) for text in texts))

        asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result(20)

    def _order(self, *words):
        with self._orders.open("w") as pipe:  # waits for the agent to be there
            pipe.write(" ".join(map(str, words)) + "\n")

    def say(self, line):
        self._order("say", line)

    def count(self, number):
        self._order("count", number)

    def write(self, path, text):
        self._order("write", path, text)

    def finish(self):
        """Have the builder end, which claims that its task is done."""
        self._order("done")

    def _let_go(self):
        self.engine.end(kill=True)


@contextmanager
def own_process(path):
    """The fake engine in its own process."""
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
