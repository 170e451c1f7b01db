"""Files in a clone as the program inside meets them: opened without waiting for anybody, named as git names them.

It is handed over as text, like `rescue_inside`, which uses it; nothing of ours is imported.
"""

from __future__ import annotations

import hashlib
import os
import stat


class Entry:
    """A file or link that is there."""

    def __init__(self, path: bytes, found: os.stat_result) -> None:
        self.path, self.size, self.changed = path, found.st_size, found.st_ctime_ns
        link = stat.S_ISLNK(found.st_mode)
        self.mode = "120000" if link else "100755" if found.st_mode & stat.S_IXUSR else "100644"


def join(here: bytes, name: bytes) -> bytes:
    """The path of what is called so in a folder; the empty path is the clone itself."""
    return here + b"/" + name if here else name


def opened(path: bytes) -> int:
    """A plain file, opened without waiting for anybody; one that is closed to its owner is opened to them."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        found = os.open(path, flags)
    except PermissionError:
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)  # noqa: PTH101
        found = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(0, "no plain file")
    return found


def object_name(data: bytes, like: str) -> str:
    """The name git gives to this content, with the hash of the name `like`."""
    made = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    made.update(b"blob %d\0" % len(data))
    made.update(data)
    return made.hexdigest()


def quoted(path: bytes) -> bytes:
    """A path as git's own tools quote one."""
    escaped = b"".join(b"\\%03o" % byte if byte < 32 or byte in b'"\\\x7f' else bytes((byte,)) for byte in path)
    return b'"%b"' % escaped


def kind(mode: int) -> str:
    """What it is that is no plain file, for a person."""
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return f"{kinds.get(stat.S_IFMT(mode), 'no file')}, not a file"
