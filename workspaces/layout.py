"""Where everything lies: `.quarterdeck/` in the repository, the record outside it, sockets in a short private folder.

The record is outside because a `git clean -fdx` of the person must not delete it. Only names are decided here; nothing
is read or written but the folders themselves and git's exclude file.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from workspaces.errors import UnsafeFolder, UnsafeName

FOLDER = ".quarterdeck"
PRIVATE = 0o700
LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system takes: 108 on Linux, 104 on macOS, with the end mark."""

_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


def safe(name: str) -> str:
    """Give the name back if it can be one file or folder name. Raises `UnsafeName`."""
    if (
        not _SAFE.fullmatch(name) or ".." in name or name.endswith((".lock", "."))
    ):  # as in git's refs, which names become
        raise UnsafeName(name)
    return name


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one repository. `root` is its main work tree, `state` its folder outside."""

    root: Path
    state: Path

    @property
    def folder(self) -> Path:
        """Everything that lies in the repository, never in git."""
        return self.root / FOLDER

    @property
    def tasks(self) -> Path:
        """Where people drop tasks."""
        return self.folder / "tasks"

    @property
    def task_states(self) -> Path:
        """What the engine says about tasks, apart from the person's files."""
        return self.tasks / ".state"

    @property
    def agents(self) -> Path:
        """One folder an agent."""
        return self.folder / "agents"

    @property
    def transcripts(self) -> Path:
        """What agents' programs printed."""
        return self.folder / "transcripts"

    @property
    def trees(self) -> Path:
        """The clones."""
        return self.folder / "trees"

    @property
    def scratch(self) -> Path:
        """What stands in for HOME and /tmp where programs are confined."""
        return self.folder / "scratch"

    @property
    def runs(self) -> Path:
        """Artifacts of runs."""
        return self.folder / "runs"

    @property
    def journal(self) -> Path:
        """The record."""
        return self.state / "journal"

    @property
    def keys(self) -> Path:
        """Signing keys, of the engine and of each agent."""
        return self.state / "keys"

    @property
    def processes(self) -> Path:
        """One small record a process, enough to kill it without an engine; and one file a held agent."""
        return self.state / "processes"

    def task(self, task: str) -> Path:
        """The person's file of a task."""
        return self.tasks / f"{safe(task)}.md"

    def task_state(self, task: str) -> Path:
        """The engine's file of a task."""
        return self.task_states / f"{safe(task)}.json"

    def inbox(self, agent: str) -> Path:
        """Messages to an agent."""
        return self.agents / safe(agent) / "inbox"

    def seen(self, agent: str) -> Path:
        """Messages that the agent's program has read."""
        return self.inbox(agent) / "seen"

    def outbox(self, agent: str) -> Path:
        """Drafts from an agent."""
        return self.agents / safe(agent) / "outbox"

    def refused(self, agent: str) -> Path:
        """Drafts that were not valid."""
        return self.outbox(agent) / "refused"

    def tree(self, agent: str) -> Path:
        """An agent's clone."""
        return self.trees / safe(agent)

    def home(self, place: str) -> Path:
        """The HOME of what runs in a place, an agent or a check tree."""
        return self.scratch / safe(place) / "home"

    def tmp(self, place: str) -> Path:
        """Its /tmp."""
        return self.scratch / safe(place) / "tmp"

    def artifacts(self, run: str, task: str, attempt: int) -> Path:
        """What one attempt left."""
        return self.runs / safe(run) / "artifacts" / safe(task) / str(attempt)

    def create(self) -> None:
        """Make the common folders; those that hold secrets are closed to others. May be called again."""
        for folder in (self.tasks, self.task_states, self.agents, self.transcripts, self.trees, self.runs):
            folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(PRIVATE)
        self.state.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        self.state.chmod(PRIVATE)
        for folder in (self.journal, self.keys, self.processes):
            folder.mkdir(mode=PRIVATE, exist_ok=True)

    def create_agent(self, agent: str) -> None:
        """Make an agent's boxes."""
        for folder in (self.seen(agent), self.refused(agent)):
            folder.mkdir(parents=True, exist_ok=True)


def exclude(common_dir: Path) -> None:
    """Keep the folder out of git by the repository's own exclude file, once, leaving what is there as it is."""
    file = common_dir / "info" / "exclude"
    file.parent.mkdir(exist_ok=True)
    text = file.read_bytes() if file.exists() else b""
    line = f"/{FOLDER}/".encode()
    if line in text.splitlines():
        return
    with file.open("ab") as out:
        out.write((b"" if not text or text.endswith(b"\n") else b"\n") + line + b"\n")


def state_folder(repo_id: str) -> Path:
    """The repository's folder under `$XDG_STATE_HOME`, which counts only if it is absolute (XDG base directories)."""
    home = Path(os.environ.get("XDG_STATE_HOME", ""))
    base = home if home.is_absolute() else Path.home() / ".local" / "state"
    return base / "quarterdeck" / safe(repo_id)


def runtime_folder() -> Path:
    """The private folder for sockets, made if missing. Raises `UnsafeFolder` if somebody else could be behind it."""
    given = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    short = len(os.fsencode(given)) <= LONGEST_SOCKET - len("/quarterdeck/0123456789abcdef.sock")
    folder = given / "quarterdeck" if given.is_absolute() and given.is_dir() and short else _own_tmp()
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafeFolder(folder, "not a folder")
    if found.st_uid != os.getuid():
        raise UnsafeFolder(folder, f"belongs to user {found.st_uid}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise UnsafeFolder(folder, f"open to others (mode {stat.S_IMODE(found.st_mode):o})")
    return folder


def socket_path(repo_id: str) -> Path:
    """The engine's socket. One engine a repository, so its name is the repository's id."""
    return runtime_folder() / f"{safe(repo_id)}.sock"


def _own_tmp() -> Path:
    return Path("/tmp") / f"quarterdeck-{os.getuid()}"  # noqa: S108  short, and checked for owner and mode
