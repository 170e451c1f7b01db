"""A cell without the engine: `small_keeper.py` puts a profile in force and runs one program in it, as us or as nobody."""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.processes import wire
from engine.processes.confinement import cells
from engine.processes.confinement.profile import Profile
from engine.processes.confinement.tiers import HOLES, NAMES, Cell, Tier

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
NOBODY = 65534
USERS = (os.getuid(), NOBODY) if os.getuid() == 0 else (os.getuid(),)
BOOT = "import sys; sys.path.append(sys.argv[1]); import runpy; runpy.run_path(sys.argv[2], run_name='__main__')"
REFUSED = 99
WITHOUT_NAMESPACES = (
    *("unshare", "-Ur", "sh", "-c"),
    'echo 0 > /proc/sys/user/max_user_namespaces; exec "$0" "$@"',
)
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable


def tier(mechanism: str, **more) -> Tier:
    return Tier(name=NAMES[mechanism], mechanism=mechanism, holes=HOLES[mechanism], **more)


@dataclass
class Ran:
    code: int
    out: str

    @property
    def refused(self) -> str:
        return self.out if self.code == REFUSED else ""

    @property
    def said(self):
        return json.loads(self.out)


@dataclass
class Place:
    """Folders for one cell below `root`, which lies in no scratch, owned by who is going to run in it."""

    root: Path
    uid: int = field(default_factory=os.getuid)
    env: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()  # what starts the keeper

    def __post_init__(self):
        names = ("home", "tmp", "clone", "user", "outside")
        self.home, self.tmp, self.clone, self.at, self.outside = (self.folder(name) for name in names)

    def folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, self.uid, self.uid)
        return path

    def file(self, name: str, text: str = "text") -> Path:
        path = self.folder(str(Path(name).parent)) / Path(name).name
        path.write_text(text)
        os.chown(path, self.uid, self.uid)
        return path

    def profile(self, **more) -> Profile:
        known = {
            "home": self.home,
            "home_at": self.at,
            "tmp": self.tmp,
            "writable": (self.clone,),
            "readable": (self.outside,),
            "port": 0,
        }
        return Profile(**(known | more))

    def run(self, mechanism: str, *argv: str, cgroup: Path | None = None, **more) -> Ran:
        """Run a program in a cell of this place; `more` is for the profile."""
        cell = Cell(tier(mechanism), self.profile(**more))
        first = wire.pack(*cells.encode(cell, uid=self.uid, cgroup=cgroup))
        env = {**cell.profile.environment(cell.tier), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", **self.env}
        return start(first, argv, env, self.uid, self.before)

    def sh(self, mechanism: str, script: str, **more) -> Ran:
        return self.run(mechanism, "/bin/sh", "-c", script, **more)

    def python(self, mechanism: str, script: str, *arguments: str, **more) -> Ran:
        return self.run(mechanism, PYTHON, "-I", "-S", "-c", script, *arguments, **more)

    def attempts(self, mechanism: str, *folders: Path, **more) -> dict[str, str]:
        """What comes of trying to change each folder: "done", or the name of the error."""
        script = (HERE / "attempts.py").read_text()
        ran = self.python(mechanism, script, str(self.clone), *map(str, folders), **more)
        assert ran.code == 0, ran.out
        return ran.said


def start(first: bytes, argv: tuple[str, ...], env: dict[str, str], uid: int, before: tuple[str, ...]) -> Ran:
    ours, theirs = socket.socketpair()
    who = {"user": uid, "group": uid, "extra_groups": []} if uid != os.getuid() else {}
    with ours, theirs:
        ours.sendall(first + wire.pack(*map(os.fsencode, argv)))
        done = subprocess.run(
            [*before, PYTHON, "-I", "-S", "-c", BOOT, str(ROOT), str(HERE / "small_keeper.py"), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            env=env,
            timeout=30,
            check=False,
            **who,
        )
    return Ran(done.returncode, done.stdout.decode(errors="replace"))


@contextmanager
def place(uid: int | None = None):
    """A place outside of what every cell covers, where we may have one."""
    base = Path("/var/lib") if os.getuid() == 0 else Path(tempfile.gettempdir())
    root = Path(tempfile.mkdtemp(prefix="quarterdeck-test-", dir=base))
    root.chmod(0o755)
    try:
        yield Place(root, os.getuid() if uid is None else uid)
    finally:
        shutil.rmtree(root)


@functools.cache
def why_not(mechanism: str, uid: int) -> str:
    with place(uid) as here:
        return here.run(mechanism, "/bin/true").refused


def need(mechanism: str, uid: int) -> None:
    """Skip where this machine has no such mechanism."""
    if why := why_not(mechanism, uid):
        pytest.skip(f"{mechanism} as user {uid}: {why}")
