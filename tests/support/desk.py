"""The product at a terminal: `quarterdeck` in a pty or in tmux, at a repository in which the real engine works.

Nothing of it runs in this process: what is seen are the bytes a terminal gets, and what is pressed are bytes as well.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.engines import Place
from support.pty_probe import Probe
from support.tmux import Tmux

from engine.processes import tree

ROOT = Path(__file__).resolve().parents[2]
QUARTERDECK = [sys.executable, "-P", "-c", "import sys; from tui.cli import main; sys.exit(main())"]
_OURS = ("XDG_", "GIT_", "QUARTERDECK_")


def environment() -> dict[str, str]:
    """What the product needs of ours: where things lie, and where its own code is."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_OURS) or name in {"HOME", "PATH"}}
    return {**kept, "PYTHONPATH": str(ROOT)}


def opened(place: Place, *words: str, columns: int = 120, rows: int = 36, **env: str) -> Probe:
    """`quarterdeck WORDS` in a pty, in the repository."""
    return Probe([*QUARTERDECK, *words], env=environment() | env, cwd=place.root, columns=columns, rows=rows)


def in_tmux(place: Place, *words: str, columns: int = 120, rows: int = 36) -> Tmux:
    """The same in a window of tmux."""
    return Tmux([*QUARTERDECK, *words], env=environment(), cwd=place.root, columns=columns, rows=rows)


def told(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    """A command that prints, as another terminal would run it."""
    done = [*QUARTERDECK, *words]
    return subprocess.run(
        done, env=os.environ | environment(), cwd=place.root, capture_output=True, text=True, check=False, timeout=60
    )


def recorded(place: Place) -> list[dict[str, Any]]:
    """Every event, as `quarterdeck log --json` has it."""
    done = told(place, "log", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def step_out(probe: Probe, of: str) -> None:
    """Esc, and wait for it: what comes at once after it would be another key."""
    probe.settle()
    probe.press("escape")
    probe.wait(lambda seen: of not in seen.text)
    probe.settle()


@contextmanager
def ends(probe: Probe, status: int = 0) -> Iterator[None]:
    """What is done in here ends the dashboard in order, with this status."""
    yield
    assert probe.returned() == status, probe.text


def family(pid: int) -> list[tuple[int, int]]:
    """A process and all below it, as (pid, start time)."""
    return [found.key for found in (tree.look(pid), *tree.below(pid)) if found and found.alive]


def states(processes: list[tuple[int, int]]) -> set[str]:
    """The states of those that are there, as proc_pid_stat(5) has them: R, S, T; none is gone. Frozen is T as well."""
    found = set()
    for pid, start in processes:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        if int(fields[19]) == start and fields[0] != "Z":
            found.add("T" if frozen(pid) else fields[0])
    return found


def frozen(pid: int) -> bool:
    """Whether the control group of a process stands still, which its state does not tell."""
    group = next(line for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines() if line.startswith("0::"))
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    tops = [Path(point) for _, point, kind, *_ in mounts if kind == "cgroup2"]
    told = [top / group[4:] / "cgroup.events" for top in tops]
    return any(file.exists() and "frozen 1" in file.read_text() for file in told)


def hang_up(probe: Probe) -> None:
    """The terminal is closed."""
    os.kill(probe.pid, signal.SIGHUP)


__all__ = ["QUARTERDECK", "ends", "environment", "family", "hang_up", "in_tmux", "opened", "recorded", "states"]
