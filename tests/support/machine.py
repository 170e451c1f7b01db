"""A person's machine, in a folder: a home with secrets, a repository with two agents' clones, a state folder.

What must not change has victims in it (`places`, `Victims`); who must not be reached is in `bystanders`. A cell for
one of the agents is built as the engine would, and attempts are run in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from engine.processes.confinement.profile import Profile
from engine.processes.confinement.tiers import Cell, Tier
from engine.processes.keeper import Keeper
from engine.processes.values import Exit, Program

ROOT = Path(__file__).resolve().parents[2]
NASTY = ROOT / "tests" / "confinement" / "nasty"
PLAIN = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
SECRET = "-".join(("planted", "secret", ""))  # noqa: FLY002  in one piece it would be found in this file
MARK = "-".join(("quarterdeck", "victim", "mark"))  # noqa: FLY002  likewise
SECRET_FILES = (
    "home/.ssh/id_ed25519", "home/.aws/credentials", "home/.netrc", "home/.config/quarterdeck/config.toml",
    "home/.bash_history", "home/project/.env", "home/project/.git/config", "home/.local/state/quarterdeck/p/keys/main",
    "home/project/.quarterdeck/clones/other/.env", "home/project/.quarterdeck/scratch/other/home/.claude.json",
    "elsewhere/token", "run/agent.env",
)  # fmt: skip


class Outcome(NamedTuple):
    """Of an attempt, as it seemed from inside."""

    through: bool
    said: str


class Machine:
    """Made by `machine`. Everything is below `base`, but what `system` names, which no cell covers."""

    def __init__(self, base: Path, system: Path | None) -> None:
        self.base, self.system = base, system
        self.home, self.run, self.elsewhere = base / "home", base / "run", base / "elsewhere"
        self.project, self.state = self.home / "project", self.home / ".local/state/quarterdeck/p"
        agents = self.project / ".quarterdeck"
        self.clone, self.other = agents / "clones/me", agents / "clones/other"
        self.scratch, self.shown, self.frozen = agents / "scratch/me", base / "shown", self.clone / "frozen"
        self.records = self.state / "processes"
        self._plant()

    def _plant(self) -> None:
        folders = (self.clone, self.other, self.shown, self.frozen, self.records, self.run, self.elsewhere)
        git = (self.project / ".git" / name for name in ("hooks", "objects", "refs/heads"))
        for folder in (*folders, *git, self.scratch / "home", self.scratch / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(SECRET_FILES):
            file = self.base / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{SECRET}{number:02}\n{MARK}\n")
        (self.shown / "file").write_text("to be read\n")

    # The cell.

    def profile(self, **changes: Any) -> Profile:
        """That of agent `me`, as the engine builds it."""
        prefixes = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), ROOT / "tests"}
        said: dict[str, Any] = {
            "home": self.scratch / "home",
            "home_at": self.home,
            "tmp": self.scratch / "tmp",
            "writable": (self.clone,),
            "frozen": (self.frozen,),
            "readable": (self.shown, self.project / ".git/objects", *sorted(prefixes)),
            "masked": (self.project, self.state, self.home / ".config/quarterdeck"),
            "port": 0,
        }
        return Profile(**said | changes)

    def cell(self, tier: Tier, **changes: Any) -> Cell:
        return Cell(tier, self.profile(**changes))

    async def keeper(self, tier: Tier, name: str = "me", **changes: Any) -> Keeper:
        return await Keeper.start(name, records=self.records, cell=self.cell(tier, **changes))

    @asynccontextmanager
    async def keeping(self, tier: Tier, name: str = "me", **changes: Any) -> AsyncIterator[Keeper]:
        """A keeper that is closed in the end, whatever became of it."""
        keeper = await self.keeper(tier, name, **changes)
        try:
            yield keeper
        finally:
            await keeper.close()

    @staticmethod
    def environment(tier: Tier, profile: Profile) -> dict[str, str]:
        """Of a program: no secret is ever in it."""
        return PLAIN | {"HOME": str(profile.home), "TMPDIR": str(profile.tmp)} | profile.environment(tier)

    def program(self, tier: Tier, *argv: str) -> Program:
        return Program(argv=argv, cwd=self.clone, env=self.environment(tier, self.profile()))

    async def attempt(self, tier: Tier, group: str, world: Mapping[str, Any] | None = None) -> dict[str, Outcome]:
        """Run the attempts of a group as an agent in a fresh keeper."""
        told = json.dumps({"own": str(self.clone), **(world or {})})
        ended, text = await self.call(tier, sys.executable, "-I", "-S", str(NASTY), group, told)
        assert ended.code == 0, f"{group} ended with {ended}: {text[-2000:]}"
        return outcomes(text)

    async def call(self, tier: Tier, *argv: str) -> tuple[Exit, str]:
        """Run a program to its end in a fresh keeper: how it ended, and what it said."""
        async with self.keeping(tier) as keeper:
            running = await keeper.run(self.program(tier, *argv))
            return await running.wait(), running.tail().decode(errors="replace")

    # What must not change.

    def places(self) -> dict[str, Path]:
        """Folders that are not the agent's to write."""
        named = {
            "home": self.home, "hooks": self.project / ".git/hooks", "objects": self.project / ".git/objects",
            "refs": self.project / ".git/refs/heads", "repository": self.project, "other clone": self.other,
            "state": self.state, "tmp": self.elsewhere, "runtime": self.run, "shown": self.shown, "frozen": self.frozen,
        }  # fmt: skip
        return named | ({"system": self.system} if self.system else {})


class Victims:
    """Files in places that must not change, a set for each way to change something: PLACE/victims/WAY/."""

    def __init__(self, places: Mapping[str, Path], ways: Iterable[str]) -> None:
        self.places = dict(places)
        for place in self.places.values():
            for way in ways:
                at = place / "victims" / way
                at.mkdir(parents=True)
                (at / "file").write_text("as it was\n")
                if "folder" in way or "tree" in way:
                    (at / "empty").mkdir()
                    (at / "full").mkdir()
                    (at / "full/file").write_text("as it was\n")
        self._before = self._all()

    def changed(self) -> set[str]:
        """Those ("place: way") that are not as they were."""
        now = self._all()
        return {name for name in now.keys() | self._before.keys() if now.get(name) != self._before.get(name)}

    def _all(self) -> dict[str, str]:
        """Of each everything that can be told of its files."""
        return {
            f"{place}: {way.name}": _fingerprint(way)
            for place, folder in self.places.items()
            for way in sorted((folder / "victims").iterdir())
        }

    def world(self) -> dict[str, Any]:
        """What the attempts have to know."""
        return {"places": {name: str(folder) for name, folder in self.places.items()}}


def ways_to_write() -> list[str]:
    """The names of all attempts of the group `writes`."""
    code = f"import sys; sys.path.insert(0, {str(NASTY)!r}); import writes; print(*writes.WAYS)"
    argv = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def outcomes(said: str) -> dict[str, Outcome]:
    """What a group of attempts has printed."""
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
    return {name: Outcome(through, why) for name, through, why in rows}


def _fingerprint(folder: Path) -> str:
    told = hashlib.sha256()
    for path in sorted([folder, *folder.rglob("*")]):
        found = path.lstat()
        inode = (found.st_mode, found.st_uid, found.st_gid, found.st_size, found.st_nlink, found.st_mtime_ns)
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        told.update(repr((str(path), inode, found.st_ctime_ns, content)).encode())
    return told.hexdigest()


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine with short paths, for sockets; gone at the end."""
    base = Path(tempfile.mkdtemp(prefix="qdm-", dir="/tmp"))
    system = _uncovered()
    try:
        yield Machine(base, system)
    finally:
        for folder in (base, system):
            if folder:
                _open_up(folder)
                shutil.rmtree(folder)


def _uncovered() -> Path | None:
    """A folder that is neither below HOME nor /tmp nor /run, if this user may make one."""
    for at in (Path("/srv"), Path("/opt"), Path("/var/lib")):
        if os.access(at, os.W_OK):
            return Path(tempfile.mkdtemp(prefix="qdm-", dir=at))
    return None


def _open_up(folder: Path) -> None:
    for at, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(at, name)
            if not path.is_symlink():
                path.chmod(0o700)
