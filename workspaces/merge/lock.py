"""Git's own lock on a checkout's index, held by us for longer than any one git would hold it.

Git writes the index and moves the ref in separate steps, and lets the lock go in between; a person's `git commit` or
`git add` in that gap loses what the other did. Held over all of it, their git waits or says so, as with any other git.
A lock of ours says so in its first line, which git's never does; while anybody works under it, it is also flocked, so
that one whose holder was killed can be told from one in use. A lock that is not ours is never touched.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OURS = b"quarterdeck\n"
_LONGEST = 4096
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@dataclass(frozen=True, slots=True)
class Intent:
    """What is being done under the lock: `branch` goes from `old` to `new`."""

    branch: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Index:
    """The index of one checkout. `scratch` is the copy that is worked on, and becomes the index at the end."""

    git_dir: Path

    @property
    def path(self) -> Path:  # noqa: D102
        return self.git_dir / "index"

    @property
    def lock(self) -> Path:  # noqa: D102
        return self.git_dir / "index.lock"

    @property
    def scratch(self) -> Path:  # noqa: D102
        return self.git_dir / "quarterdeck.index"

    @contextlib.contextmanager
    def locked(self, intent: Intent) -> Iterator[int]:
        """Take the lock and give the descriptor that whoever works under it is to inherit.

        It is not let go here: the work ends with `release`, or is found by the next `stale`. Raises FileExistsError
        when somebody has it.
        """
        handle = self._take(_OURS + os.fsencode(f"{intent.old}\n{intent.new}\n{intent.branch}"))
        try:
            yield handle
        finally:
            os.close(handle)

    def _take(self, content: bytes) -> int:
        """The lock with its content, or none at all; where files can not be linked, created and filled at once."""
        self._claim.unlink(missing_ok=True)
        handle = _filled(self._claim, content)
        try:
            os.link(self._claim, self.lock)
        except OSError as error:
            os.close(handle)
            if error.errno not in _NO_LINKS:
                raise
            return _filled(self.lock, content)
        finally:
            self._claim.unlink(missing_ok=True)
        return handle

    def begin(self) -> None:
        """Begin the scratch index anew, empty."""
        for left in (self.scratch, self._half):
            left.unlink(missing_ok=True)

    def copy(self) -> None:
        """Begin the scratch index anew, as the index is."""
        self.begin()
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(self.path, self.scratch)

    def take_over(self) -> None:
        """Make the scratch index the index, unless that was done."""
        with contextlib.suppress(FileNotFoundError):
            self.scratch.replace(self.path)

    def release(self) -> None:
        """Let go of the lock, if it is still there; for whoever holds it, or found it `stale`."""
        self.begin()
        self._claim.unlink(missing_ok=True)
        if self._read() is not None:
            self.lock.unlink()

    @contextlib.contextmanager
    def stale(self) -> Iterator[Intent | None]:
        """What was being done under a lock of ours whose holders are all dead; nobody else finds it meanwhile."""
        try:
            handle = os.open(self.lock, os.O_RDONLY)
        except FileNotFoundError:
            yield None
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield self._read()
        except BlockingIOError:
            yield None
        finally:
            os.close(handle)

    @property
    def _claim(self) -> Path:
        return self.git_dir / "quarterdeck.claim"

    @property
    def _half(self) -> Path:
        return self.scratch.with_suffix(".index.lock")

    def _read(self) -> Intent | None:
        try:
            with self.lock.open("rb") as file:
                text = file.read(_LONGEST)
        except FileNotFoundError:
            return None
        if not text.startswith(_OURS):
            return None
        old, new, branch = os.fsdecode(text.removeprefix(_OURS)).split("\n")
        return Intent(branch, old, new)


def _filled(path: Path, content: bytes) -> int:
    """A new file that is flocked and has this content. Raises FileExistsError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.write(handle, content)
    except BaseException:
        os.close(handle)
        raise
    return handle
