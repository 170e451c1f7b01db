"""Disks that betray: one forgets what was not synced, one fails at the n-th call.

`PowerLoss` keeps files in memory, contents and names apart, each with what is durable and what only seems so.
`crash(seed)` gives the disk as it may look after power came back: of what was not synced, any sector of 512 bytes may
be there or not (a hole reads as NUL), in any order, the last one torn at any byte; any name may be missing, old or new.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Lock

SECTOR = 512


class PowerLost(Exception):
    """The disk is gone; every later call says so too."""


@dataclass
class Inode:
    now: bytearray = field(default_factory=bytearray)
    durable: bytes = b""


@dataclass
class Folder:
    now: dict[str, Inode | Folder] = field(default_factory=dict)
    durable: dict[str, Inode | Folder] = field(default_factory=dict)


class PowerLoss:
    """Files in memory. The call number `dies_at` (from 1, of those that change something) is the last one to begin."""

    def __init__(self, dies_at: int = 0) -> None:
        self.root = Folder()
        self.dies_at = dies_at
        self.calls: list[str] = []
        self.handles: dict[int, Inode] = {}
        self.lock = Lock()
        self.count = 0

    # -- the calls

    def make_folder(self, path: Path) -> None:
        with self.lock:
            folder = self.root
            for name in path.parts[1:]:
                if name not in folder.now:
                    self.step("make_folder")
                    folder.now[name] = Folder()
                folder = folder.now[name]

    def names(self, folder: Path) -> list[str]:
        with self.lock:
            found = self.find(folder)
            return sorted(found.now) if isinstance(found, Folder) else []

    def is_folder(self, path: Path) -> bool:
        with self.lock:
            return isinstance(self.find(path), Folder)

    def size(self, path: Path) -> int:
        with self.lock:
            return len(self.file(path).now)

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        with self.lock:
            now = self.file(path).now
            return bytes(now[offset:] if size < 0 else now[offset : offset + size])

    def open_append(self, path: Path) -> int:
        with self.lock:
            folder = self.find(path.parent)
            if path.name not in folder.now:
                self.step("create")
                folder.now[path.name] = Inode()
            self.count += 1
            self.handles[self.count] = folder.now[path.name]
            return self.count

    def write(self, handle: int, data: bytes | memoryview) -> int:
        with self.lock:
            taken = bytes(data)[: max(1, len(data) * 3 // 4)] if len(self.calls) % 5 == 4 else bytes(data)
            self.handles[handle].now += taken  # also when the power goes in the middle of it
            self.step("write")
            return len(taken)

    def truncate(self, handle: int, size: int) -> None:
        with self.lock:
            del self.handles[handle].now[size:]
            self.step("truncate")

    def sync(self, handle: int) -> None:
        with self.lock:
            self.step("sync")
            self.handles[handle].durable = bytes(self.handles[handle].now)

    def close(self, handle: int) -> None:
        with self.lock:
            del self.handles[handle]

    def rename(self, old: Path, new: Path) -> None:
        with self.lock:
            self.find(new.parent).now[new.name] = self.find(old.parent).now.pop(old.name)
            self.step("rename")

    def remove(self, path: Path) -> None:
        with self.lock:
            del self.find(path.parent).now[path.name]
            self.step("remove")

    def sync_dir(self, folder: Path) -> None:
        with self.lock:
            self.step("sync_dir")
            found = self.find(folder)
            found.durable = dict(found.now)

    # -- the disk

    def step(self, call: str) -> None:
        if self.dies_at and len(self.calls) >= self.dies_at:
            raise PowerLost(call)
        self.calls.append(call)

    def find(self, path: Path) -> Inode | Folder | None:
        found = self.root
        for name in path.parts[1:]:
            found = found.now.get(name) if isinstance(found, Folder) else None
        return found

    def file(self, path: Path) -> Inode:
        found = self.find(path)
        if not isinstance(found, Inode):
            raise FileNotFoundError(path)
        return found

    def crash(self, seed: int) -> PowerLoss:
        """The disk after the power came back; this one stays as it is, so that many seeds can be tried on it."""
        after = PowerLoss()
        random = Random(seed)
        mood = random.choice(("all lost", "all kept", "mixed", "mixed"))
        after.root = _folder_after(self.root, random, mood, {})
        return after


def in_memory(folder: Path) -> PowerLoss:
    """The files of a real folder on a disk in memory, where thousands of damages are quick."""
    disk = PowerLoss()
    disk.make_folder(folder)
    for path in folder.iterdir():
        disk.find(folder).now[path.name] = Inode(bytearray(path.read_bytes()))
    return disk


def _folder_after(folder: Folder, random: Random, mood: str, seen: dict[int, Inode]) -> Folder:
    kept = {}
    for name in sorted(folder.now.keys() | folder.durable.keys()):
        choices = {"all lost": [folder.durable], "all kept": [folder.now]}.get(mood, [folder.durable, folder.now])
        entry = random.choice(choices).get(name)
        if isinstance(entry, Folder):
            kept[name] = _folder_after(entry, random, mood, seen)
        elif entry is not None:
            if id(entry) not in seen:
                data = _contents_after(entry, random, mood)
                seen[id(entry)] = Inode(bytearray(data), data)
            kept[name] = seen[id(entry)]
    return Folder(kept, dict(kept))


def _contents_after(inode: Inode, random: Random, mood: str) -> bytes:
    now, durable = bytes(inode.now), inode.durable
    if mood == "all lost" or now == durable:
        return durable
    if mood == "all kept":
        return now
    shorter, longer = sorted((len(now), len(durable)))
    size = random.choice((shorter, longer, random.randint(shorter, longer)))
    out = bytearray(size)
    for start in range(0, size, SECTOR):
        stop = min(start + SECTOR, size)
        piece = random.choice((now, durable))[start:stop]  # what neither has stays NUL
        out[start : start + len(piece)] = piece
    return bytes(out)


class FailingFiles:
    """Passes every call on to `inner`; the changing call number `fail_at` (from 1) raises, and so do all later ones.

    A failing write takes half of its bytes first, as a full disk does.
    """

    CHANGING = frozenset(("make_folder", "open_append", "write", "truncate", "sync", "rename", "remove", "sync_dir"))

    def __init__(self, inner: object, fail_at: int = 0, code: int = errno.ENOSPC, *, once: bool = False) -> None:
        self.inner = inner
        self.fail_at = fail_at
        self.code = code
        self.once = once
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> object:
        call = getattr(self.inner, name)
        if name not in self.CHANGING:
            return call

        def counted(*args: object) -> object:
            self.calls.append(name)
            number = len(self.calls)
            if self.fail_at and (number == self.fail_at or (number > self.fail_at and not self.once)):
                if name == "write":
                    call(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise OSError(self.code, f"call {number}, {name}, fails")
            return call(*args)

        return counted
