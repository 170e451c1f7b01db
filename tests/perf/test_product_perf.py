"""What a user feels: a task file picked up, commands that answer at once, an idle engine.

Method: the real engine in a temporary repository. A drop is timed from the rename of the file to the event at a client's
stream (so it includes watching, parsing, deciding, the sync and the socket). CPU is that of the whole process, user and
system, as the kernel counts it for a waited-for child.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.api.calls import RunRequest
from engine.api.client import Client
from engine.api.launch import ensure
from engine.core.commands import StopAgent

Event = dict[str, Any]
pytestmark = [pytest.mark.perf, pytest.mark.timeout(300)]

AGENT = 'while [ ! -e "$PWD/../../../finish" ]; do sleep 0.1; done; echo done > done.txt'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "quarterdeck.toml").write_text(
        f'[project]\ncheck = ["true"]\nreview = false\n[limits]\nagents = 1\n'
        f'[agents.worker]\nruntime = "command"\ncommand = ["sh", "-c", {json.dumps(AGENT)}]\n'
    )
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(folder)]
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "base"], check=True)
    return folder


@contextlib.contextmanager
def engine(root: Path) -> Iterator[Client]:
    client = ensure(root)
    try:
        yield client
    finally:
        client.end(kill=True)
        client.gone()
        client.close()


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def drop(root: Path, name: str) -> float:
    tasks = root / ".quarterdeck" / "tasks"
    aside = tasks / f".{name}"
    aside.write_text(f"# {name}\n\nDo it.\n")
    now = time.time()
    aside.rename(tasks / f"{name}.md")
    return now


Rest = Callable[[], object]


def accepted(root: Path, stream: Iterator[Event], name: str, rest: Rest = lambda: None) -> list[float]:
    """Milliseconds from each of 100 drops to the event that says its file was taken, sorted; `rest` before each."""
    delays = []
    for number in range(100):
        rest()
        dropped = drop(root, f"{name}-{number}")
        next(e for e in stream if e["kind"] == "task_added")
        delays.append((time.time() - dropped) * 1000)
    return sorted(delays)


def tell(what: str, delays: list[float]) -> None:
    load = os.getloadavg()[0]
    print(f"\ndrop -> accepted, {what}: p50 {delays[50]:.0f} ms, p99 {delays[99]:.0f} ms, load {load:.1f}")


def test_a_dropped_task_file_is_accepted_at_once_while_a_run_is_on(root: Path) -> None:
    with engine(root) as client:
        client.start_run(RunRequest(goal="wait", environment=environment()))
        with contextlib.closing(client.events(0)) as stream:
            next(e for e in stream if e["kind"] == "attempt_started")
            delays = accepted(root, stream, "busy")
    tell("run on", delays)
    assert delays[50] < 250


def test_a_dropped_task_file_is_accepted_at_once_while_the_engine_is_idle(root: Path) -> None:
    """Its only agent is held, so the run is at rest; a new task wakes it, finds nobody, and it rests again."""
    with engine(root) as client:
        client.start_run(RunRequest(goal="wait", environment=environment()))
        with contextlib.closing(client.events(0)) as stream:
            next(e for e in stream if e["kind"] == "attempt_started")
            client.submit(StopAgent(agent="worker"))

            def rest() -> None:
                next(e for e in stream if e["kind"] == "run_ended")
                time.sleep(0.4)  # several steps of the slow watch, which nothing tells of

            delays = accepted(root, stream, "idle", rest)
    tell("idle", delays)
    assert delays[50] < 250


def test_an_idle_engine_uses_next_to_nothing(root: Path) -> None:
    with engine(root) as client:
        (root / "finish").touch()
        client.start_run(RunRequest(goal="wait", environment=environment()))
        with contextlib.closing(client.events(0)) as stream:
            next(e for e in stream if e["kind"] == "run_ended")
        client.settled(None, "resumed")
        pid = client.status()["engine"]["pid"]
        time.sleep(1.0)
        before, began = cpu(pid), time.monotonic()
        time.sleep(20.0)
        share = (cpu(pid) - before) / (time.monotonic() - began) * 100
    print(f"\nidle engine after a run: {share:.2f} % of a core over 20 s")
    assert share < 1.5


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(("words", "budget"), [(["--version"], 0.1), (["status"], 0.2)])
def test_a_command_costs_little_cpu(root: Path, words: list[str], budget: float) -> None:
    script = [sys.executable, "-P", "-c", "import sys; from tui.cli import main; sys.exit(main())", *words]
    with engine(root):
        best = min(child_cpu([*script], root) for _ in range(7))
    print(f"\nquarterdeck {' '.join(words)}: {best * 1000:.0f} ms of CPU, best of 7")
    assert best < budget * 2


def child_cpu(argv: list[str], cwd: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
