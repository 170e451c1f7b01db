"""A program that runs inside an agent's clone and gathers all that is there, as a pack.

It is handed over as text (`python -I -S -c`) with that of `inside_files`, as our own files may not be seen from inside;
nothing else of ours is imported. The agent may have left anything: no file is opened that is not a plain one, and no
git command looks at the clone, its `.git` or its configuration. So no filter, hook or fsmonitor runs, no attribute
counts, and no pipe is waited for. Files are taken byte for byte. What can not be taken is left out and said; nothing is
changed, but that what is closed is opened.

Asked: one JSON object as its last argument. Answers: one JSON object on a line, then the pack.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time

from workspaces.clones.inside_files import Entry, join, kind, object_name, opened, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO, Any, NoReturn


ALIKE = "\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u206a\u206b\u206c\u206d\u206e\u206f\ufeff"
"""Characters that some file systems pass over in a name, as git's own check has them."""
CACHES = {b"__pycache__", b"node_modules", b".venv", b"venv", b".tox", b".nox", b".mypy_cache", b".ruff_cache"}
CACHES |= {b".pytest_cache", b".hypothesis", b".gradle", b".cache", b".eggs"}
"""Ignored folders that tools make again from what is kept; so is any with a CACHEDIR.TAG (bford.info/cachedir)."""
RULES = 1 << 20
"""Bytes of a .gitignore beyond which it is not read."""
GITLINK = "160000"
SETTINGS = b"[fastimport]\n\tunpackLimit = 0\n[core]\n\tcompression = 1\n"


class Rescue:
    """One gathering, in the current folder."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.stops = time.monotonic() + float(asked["seconds"]) / 2  # the rest is git's
        self.ends = self.stops + float(asked["seconds"]) / 2
        self.room = int(asked["total"])
        self.hashed = int(asked["hashed"])
        self.left: list[tuple[str, str]] = []
        self.lost = 0
        self.rules: list[bytes] = []
        self.caches: set[bytes] = set()
        self.own = b".quarterdeck-%b" % os.urandom(6).hex().encode()
        self.scratch = os.path.abspath(self.own)  # noqa: PTH100
        self.env = {**os.environ, "GIT_DIR": os.fsdecode(self.scratch), "GIT_OPTIONAL_LOCKS": "0"}

    # -- the way ---------------------------------------------------------------------------------------------------

    def run(self, out: IO[bytes]) -> None:
        """Gather, and answer."""
        os.chmod(".", stat.S_IRWXU)  # noqa: PTH101
        try:
            self.prepare()
            before = self.listed(self.asked["tree"])
            there = {entry.path: entry for entry in self.walk()}
            changes, gone = self.changes(before, there)
            ignored = self.ignored([path for path in there if path not in before])
            mine = [there[path] for path in there if path not in before and path not in ignored]
            made = [there[path] for path in ignored if self.made(there[path])]
            kept = [*gone, *self.written([*changes, *sorted(mine, key=lambda one: one.size)])]
            self.room = min(self.room, int(self.asked["ignored"]))
            extra = list(self.written(sorted(made, key=lambda one: one.size))) if self.asked["since"] else []
            self.answer(out, kept, extra)
        finally:
            self.clear()

    def prepare(self) -> None:
        """A git directory of our own, beside all the agent has."""
        for part in (b"objects/info", b"objects/pack", b"refs/heads", b"rules"):
            os.makedirs(os.path.join(self.scratch, part), mode=0o700)  # noqa: PTH103, PTH118
        self.put(b"HEAD", b"ref: refs/heads/kept\n")
        self.put(
            b"config", self.asked["config"].encode() + b"[fastimport]\n\tunpackLimit = 0\n[core]\n\tcompression = 1\n"
        )
        self.put(b"objects/info/alternates", os.fsencode(self.asked["alternates"]))

    def put(self, name: bytes, data: bytes) -> None:
        """Write a file of ours."""
        with open(os.path.join(self.scratch, name), "wb") as file:  # noqa: PTH118, PTH123
            file.write(data)

    def git(self, *words: str, stdin: bytes = b"", work: bytes = b"", ok: tuple[int, ...] = (0,)) -> bytes:
        """Run git in our directory."""
        env = {**self.env, "GIT_WORK_TREE": os.fsdecode(work)} if work else self.env
        left = max(self.ends - time.monotonic(), 1.0)
        done = subprocess.run(
            ["git", *words], input=stdin, capture_output=True, env=env, cwd=work or None, timeout=left, check=False
        )
        if done.returncode not in ok:
            raise OSError(f"git {words[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
        return done.stdout

    # -- what is there ---------------------------------------------------------------------------------------------

    def listed(self, tree: str) -> dict[bytes, tuple[str, str]]:
        """Mode and object of each file that the clone was given."""
        found = {}
        for entry in self.git("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]:
            head, _, path = entry.partition(b"\t")
            mode, _, oid = head.decode().split(" ")
            found[path] = (mode, oid)
        return found

    def walk(self) -> Iterator[Entry]:
        """Every plain file and link, in no folder that is a git directory; the rest is left out."""
        folders = [b""]
        while folders:
            here = folders.pop()
            for entry in self.inside(here):
                path = here + b"/" + entry.name if here else entry.name
                if path in {b".git", self.own}:
                    continue
                found = self.look(entry, path)
                if found is None or self.refused(entry.name, path):
                    continue
                if stat.S_ISDIR(found.st_mode):
                    folders.append(path)
                elif stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                    self.note(entry.name, here, found)
                    yield Entry(path, found)
                else:
                    self.leave(path, kind(found.st_mode))

    def inside(self, here: bytes) -> Iterable[os.DirEntry[bytes]]:
        """A folder's entries, also of one that the agent closed."""
        place = here or b"."
        for attempt in (0, 1):
            try:
                with os.scandir(place) as found:
                    return sorted(found, key=lambda entry: entry.name)
            except PermissionError as error:
                if attempt:
                    self.leave(here, error.strerror or "closed")
                    break
                try:
                    os.chmod(place, stat.S_IRWXU)  # noqa: PTH101
                except OSError as why:
                    self.leave(here, why.strerror or "closed")
                    break
            except OSError as error:
                self.leave(here, error.strerror or "not to be read")
                break
        return ()

    def look(self, entry: os.DirEntry[bytes], path: bytes) -> os.stat_result | None:
        """What an entry is; a folder that can be listed but not entered is opened."""
        try:
            return entry.stat(follow_symlinks=False)
        except PermissionError:
            try:
                os.chmod(os.path.dirname(path) or b".", stat.S_IRWXU)  # noqa: PTH101, PTH120
                return os.lstat(path)
            except OSError as error:
                self.leave(path, error.strerror or "closed")
        except OSError as error:
            self.leave(path, error.strerror or "not to be read")
        return None

    def refused(self, name: bytes, path: bytes) -> bool:
        """Whether git takes no such name; in a second try also whether it may complain of the contents."""
        plain = "".join(char for char in name.decode(errors="replace") if char not in ALIKE).casefold()
        parts = [part.partition(":")[0].rstrip(" .") for part in plain.split("\\")]
        if any(part in {".git", "git~1"} for part in parts):
            self.leave(path, "a git repository of its own; its files are kept, its history is not")
            return True
        if self.asked["shy"] and ("~" in plain or any(part.startswith(".git") for part in parts)):
            self.leave(path, "git refuses what it says")
            return True
        return False

    def note(self, name: bytes, here: bytes, found: os.stat_result) -> None:
        """Remember what says what is ignored, and what marks a cache."""
        if name == b".gitignore" and stat.S_ISREG(found.st_mode) and found.st_size <= RULES:
            self.rules.append(here)
        if name == b"CACHEDIR.TAG":
            self.caches.add(here)

    def leave(self, path: bytes, why: str) -> None:
        """Say what is left out; the first of them by name."""
        self.lost += 1
        if len(self.left) < int(self.asked["told"]):
            self.left.append((path.decode(errors="backslashreplace")[:300], why))

    # -- what differs ----------------------------------------------------------------------------------------------

    def changes(
        self, before: dict[bytes, tuple[str, str]], there: dict[bytes, Entry]
    ) -> tuple[list[Entry], list[bytes]]:
        """Files that are not what was given, and lines for those that are gone."""
        changed: list[Entry] = []
        gone: list[bytes] = []
        for path, (mode, oid) in before.items():
            entry = there.get(path)
            if entry is not None and (mode != entry.mode or not self.same(entry, oid)):
                changed.append(entry)
            elif entry is None and not self.there_still(path, mode):
                gone.append(b"D %b\n" % quoted(path))
        return changed, gone

    def there_still(self, path: bytes, mode: str) -> bool:
        """A submodule's folder, or what is there and could not be taken, is not gone."""
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return mode == GITLINK or not stat.S_ISDIR(found.st_mode)

    def same(self, entry: Entry, oid: str) -> bool:
        """Whether a file has the contents that were given; a file nobody touched since then is not read for ever."""
        if entry.changed < self.asked["since"] and self.hashed < entry.size:
            return True
        self.hashed -= entry.size
        if entry.size > int(self.asked["file"]):
            return False
        data = self.read(entry, tell=False)
        return data is not None and object_name(data, oid) == oid

    def ignored(self, paths: list[bytes]) -> set[bytes]:
        """Those that the clone's own rules ignore. The rules are read apart from it: where they lie may be a trap."""
        work = os.path.join(self.scratch, b"rules")  # noqa: PTH118
        for here in self.rules:
            data = self.read(Entry(join(here, b".gitignore"), os.lstat(join(here, b".gitignore"))), tell=False)
            os.makedirs(os.path.join(work, here), exist_ok=True)  # noqa: PTH103, PTH118
            self.put(os.path.join(b"rules", here, b".gitignore"), data or b"")  # noqa: PTH118
        lines = "".join(f"/{name}\n" for name in self.asked["copies"])
        os.makedirs(os.path.join(self.scratch, b"info"), exist_ok=True)  # noqa: PTH103, PTH118
        self.put(b"info/exclude", os.fsencode(lines))
        asked = b"".join(path + b"\0" for path in paths)
        try:
            said = self.git("check-ignore", "--no-index", "-z", "--stdin", stdin=asked, work=work, ok=(0, 1))
        except (OSError, subprocess.SubprocessError):
            return set()  # rules that git does not get through with: then all is kept
        return set(said.split(b"\0")[:-1])

    def made(self, entry: Entry) -> bool:
        """Whether an ignored file is the agent's own work: no copy, not of setup, in no cache."""
        folders = entry.path.split(b"/")[:-1]
        above = {b"/".join(folders[: size + 1]) for size in range(len(folders))}
        copies = (os.fsencode(name.strip("/")) for name in self.asked["copies"])
        copied = any(entry.path == name or entry.path.startswith(name + b"/") for name in copies)
        return not copied and entry.changed >= self.asked["since"] and not (CACHES & {*folders}) | (self.caches & above)

    # -- taking ----------------------------------------------------------------------------------------------------

    def written(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """Each file as a line and its contents for `git fast-import`, while there is room and time."""
        for entry in entries:
            if entry.size > int(self.asked["file"]):
                self.leave(entry.path, f"{entry.size} bytes, {self.asked['file']} at most")
            elif entry.size > self.room:
                self.leave(entry.path, "no room: all together is too large")
            elif time.monotonic() > self.stops:
                self.leave(entry.path, "no time: there is too much")
            elif (data := self.read(entry)) is not None:
                self.room -= len(data)
                yield b"M %b inline %b\ndata %d\n%b\n" % (entry.mode.encode(), quoted(entry.path), len(data), data)

    def read(self, entry: Entry, *, tell: bool = True) -> bytes | None:
        """A plain file's bytes, or where a link leads; None, said, where that is not to be had."""
        try:
            if entry.mode == "120000":
                return os.readlink(entry.path)  # noqa: PTH115
            with os.fdopen(opened(entry.path), "rb") as file:
                return file.read(int(self.asked["file"]) + 1)[: int(self.asked["file"])]
        except OSError as error:
            if tell:
                self.leave(entry.path, error.strerror or "not to be read")
            return None

    def answer(self, out: IO[bytes], kept: list[bytes], extra: list[bytes]) -> None:
        """Have git make a pack of it, and hand that over."""
        told: dict[str, Any] = {"commit": "", "aside": "", "left": self.left, "lost": self.lost}
        pack = b""
        if kept or extra:
            self.git("fast-import", "--quiet", "--date-format=raw", stdin=b"".join(self.story(kept, extra)))
            told["commit"], told["aside"] = self.tip("kept"), self.tip("ignored")
            pack = self.pack()
        out.write(json.dumps(told).encode() + b"\n" + pack)
        out.flush()

    def story(self, kept: list[bytes], extra: list[bytes]) -> Iterator[bytes]:
        """What fast-import is told: the work on top of its base, and what git ignores on its own."""
        who = f"{self.asked['name']} <{self.asked['email']}> {int(time.time())} +0000".encode()
        head = b"author %b\ncommitter %b\ndata 4\nkept\n" % (who, who)
        if kept:
            root = b'M 040000 %b ""\n' % self.git("rev-parse", f"{self.asked['tree']}^{{tree}}").strip()
            yield b"commit refs/heads/kept\n%bfrom %b\n%b" % (head, self.asked["base"].encode(), root)
            yield from kept
        if extra:
            yield b"commit refs/heads/ignored\n%b" % head
            yield from extra

    def tip(self, name: str) -> str:
        """What a branch of ours is at."""
        try:
            with open(os.path.join(self.scratch, b"refs/heads", name.encode()), encoding="ascii") as file:  # noqa: PTH118, PTH123
                return file.read().strip()
        except FileNotFoundError:
            return ""

    def pack(self) -> bytes:
        """The pack that was written."""
        folder = os.path.join(self.scratch, b"objects/pack")  # noqa: PTH118
        with os.scandir(folder) as found:
            path = next(entry.path for entry in found if entry.name.endswith(b".pack"))
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()

    def clear(self) -> None:
        """Leave nothing of ours."""
        for here, folders, files in os.walk(self.scratch, topdown=False):
            for name in files:
                os.unlink(os.path.join(here, name))  # noqa: PTH108, PTH118
            for name in folders:
                os.rmdir(os.path.join(here, name))  # noqa: PTH106, PTH118
        if os.path.isdir(self.scratch):  # noqa: PTH112
            os.rmdir(self.scratch)  # noqa: PTH106


def main() -> NoReturn:
    """Gather in the current folder what is asked for."""
    try:
        Rescue(json.loads(sys.argv[-1])).run(sys.stdout.buffer)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.exit(0)


if __name__ == "__main__":
    main()
