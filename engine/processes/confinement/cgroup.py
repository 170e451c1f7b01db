"""A control group for the programs of one keeper, where this user has been given a part of the cgroup v2 tree.

It adds to the tier strong, it does not make it: programs of the same user could leave a group if they saw the tree,
which they see read-only. They live in a group *below* the one with the limits, and their cgroup namespace begins there.
Nothing here is needed where it is missing; nothing is made outside the part that we may write to.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from engine.processes import tree

PREFIX = "quarterdeck-"
INNER = "programs"
CONTROLLERS = ("memory", "pids", "cpu")
WEIGHT = 50  # of 100, which everything else of the user has


class Group:
    """One group: `kill`, `freeze`, `thaw`, `populated`, and `remove` once it is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, base: Path, name: str, *, processes: int = 0, memory: int = 0) -> Group:
        """A new group below `base`, named for us and `name`, with limits where there are controllers (0: none).

        Raises OSError.
        """
        group = cls(base / f"{PREFIX}{os.getpid()}-{name}")
        group.path.mkdir(exist_ok=True)
        group.entrance.mkdir(exist_ok=True)
        limits = (("pids.max", processes), ("memory.max", memory), ("cpu.weight", WEIGHT))
        for file, value in limits:
            if value and (group.path / file).exists():
                (group.path / file).write_text(str(value), "ascii")
        return group

    @property
    def entrance(self) -> Path:
        """Where the first process goes in."""
        return self.path / INNER

    @property
    def populated(self) -> bool:
        """Whether any process is in it; False once it is removed."""
        return self._event("populated")

    @property
    def frozen(self) -> bool:
        """Whether every process in it is frozen."""
        return self._event("frozen")

    def kill(self) -> bool:
        """SIGKILL to all in it, also frozen ones. False where the kernel can not (before 5.14)."""
        return self._say("cgroup.kill", "1")

    def freeze(self) -> bool:
        """Let nothing in it run; in effect once it is `frozen`."""
        return self._say("cgroup.freeze", "1")

    def thaw(self) -> bool:
        """Undo `freeze`."""
        return self._say("cgroup.freeze", "0")

    def memory(self) -> int | None:
        """Bytes in use, caches of files too; None where there is no controller."""
        try:
            return int((self.path / "memory.current").read_text("ascii"))
        except (OSError, ValueError):
            return None

    def killed_for_memory(self) -> int:
        """How often the kernel ended a process in it because it had reached its limit."""
        return int(_pairs(self.path / "memory.events").get("oom_kill", "0"))

    def remove(self) -> bool:
        """Take the empty group away, with what was made in it. False where somebody is left in it."""
        with contextlib.suppress(OSError):  # or another engine that looks around here takes it away
            for folder in sorted((path for path in self.path.rglob("*") if path.is_dir()), reverse=True):
                folder.rmdir()
            self.path.rmdir()
        return not self.path.exists()

    def _event(self, name: str) -> bool:
        return _pairs(self.path / "cgroup.events").get(name) == "1"

    def _say(self, file: str, text: str) -> bool:
        try:
            (self.path / file).write_text(text, "ascii")
        except OSError:
            return False
        return True


def find() -> Path | None:
    """Where groups can be made: our own group or the nearest one above it that is ours to write; None: nowhere.

    One that passes the memory controller on is preferred. What dead engines left there is removed.
    """
    candidates = list(_candidates())
    fit = [folder for folder in candidates if _usable(folder)]
    for folder in fit:
        _sweep(folder)
    if len(candidates) > 1 and candidates[0] in fit:  # our own group, not the machine's
        _pass_on(candidates[0])
    limited = (folder for folder in fit if "memory" in controllers(folder))
    return next(limited, fit[0] if fit else None)


def controllers(folder: Path) -> list[str]:
    """Those that it passes on to groups below it: "memory", "pids", "cpu", ..."""
    return _words(folder / "cgroup.subtree_control")


def bring_here(pid: int) -> bool:
    """Move a process into the group that we are in. False where that can not be."""
    mounted, own = _mounted(), _own()
    if mounted is None or own is None:
        return False
    try:
        (mounted / own / "cgroup.procs").write_text(str(pid), "ascii")
    except OSError:
        return False
    return True


def _candidates() -> Iterator[Path]:
    """Our own group and those around it, in the mounted tree."""
    mounted, own = _mounted(), _own()
    if mounted is None or own is None:
        return
    here = mounted / own
    yield here
    yield from (folder for folder in here.parents if folder.is_relative_to(mounted))


def _mounted() -> Path | None:
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    found = (line.split(" ")[4] for line in lines if " - cgroup2 " in line)
    return next((Path(point) for point in found), None)


def _own() -> str | None:
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    return next((line[len("0::/") :] for line in lines if line.startswith("0::/")), None)


def _usable(folder: Path) -> bool:
    """Whether a group can be made there and processes can be moved to it from here."""
    trial = folder / f"{PREFIX}{os.getpid()}-trial"
    if not os.access(folder / "cgroup.procs", os.W_OK):
        return False
    try:
        trial.mkdir()
    except OSError:
        return False
    try:
        return (trial / "cgroup.kill").exists()
    finally:
        trial.rmdir()


def _pass_on(folder: Path) -> None:
    """Have the controllers in the groups below; refused where processes are in `folder` itself."""
    for name in CONTROLLERS:
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{name}", "ascii")


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{PREFIX}*"):
        pid = left.name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and tree.look(int(pid)) is None:
            Group(left).remove()


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except OSError:
        return []


def _pairs(path: Path) -> dict[str, str]:
    words = _words(path)
    return dict(zip(words[::2], words[1::2], strict=False))
