"""Was this attempt merged already? The target itself says so, in the trailer of the commit.

That is what makes a merge happen once: an engine that died between advancing the target and recording it finds its own
commit there. The same look at the log tells when somebody's commit takes a merge back, meant or not: a person's git
that lost a race can leave an index from before, and their next commit then undoes what came in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workspaces.git import Git

TRAILER = "Quarterdeck"

_Blobs = tuple[str, str]
"""What a path was before a commit and is after it, as git names the contents."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """`commit`, which is not ours, undoes every change that the merge `made` brought for `value`."""

    commit: str
    made: str
    value: str


@dataclass(frozen=True, slots=True)
class _Logged:
    commit: str
    values: tuple[str, ...]
    changes: Mapping[str, _Blobs]


class Trailers:
    """Attempts found between a base and the target. Reads the log once, then only when somebody else moved it."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._read: tuple[str, str] | None = None  # base and tip that `_found` holds for
        self._found: dict[str, str] = {}
        self._back: list[TakenBack] = []
        self._told: set[TakenBack] = set()

    async def find(self, base: str, tip: str, value: str) -> str | None:
        """The commit in `base..tip` whose trailer is `value` (RUN/TASK/ATTEMPT), if there is one."""
        if base == tip:
            return None
        if self._read != (base, tip):
            self._found = await self._log(base, tip)
            self._read = (base, tip)
        return self._found.get(value)

    def advanced(self, base: str, old: str, new: str, value: str) -> None:
        """Note a merge of our own, so that the log need not be read again for it."""
        if self._read == (base, old) or base == old:
            self._found = {value: new} if base == old else {**self._found, value: new}
            self._read = (base, new)

    def taken_back(self) -> list[TakenBack]:
        """Merges that were found taken back; each is given once."""
        fresh = [back for back in self._back if back not in self._told]
        self._told.update(fresh)
        return fresh

    async def _log(self, base: str, tip: str) -> dict[str, str]:
        shape = f"--format=%x01%H %(trailers:key={TRAILER},valueonly,separator=%x20)%x00"
        raw = ("--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
        out = await self._git.run("log", "-z", "--reverse", "--no-show-signature", *raw, shape, f"{base}..{tip}", "--")
        logged = [_logged(entry) for entry in out.decode(errors="surrogateescape").split("\x01")[1:]]
        self._back = list(_taken_back(logged))
        return {value: entry.commit for entry in reversed(logged) for value in entry.values}


def _logged(entry: str) -> _Logged:
    """From `COMMIT VALUES`, then for each path `:MODE MODE BLOB BLOB STATUS` and its name."""
    head, *rest = entry.split("\0")
    commit, *values = head.split()
    changes: dict[str, _Blobs] = {}
    words = [word for word in (part.removeprefix("\n") for part in rest) if word]
    for what, path in zip(words[::2], words[1::2], strict=False):
        _, _, old, new, *_ = what.split(" ")
        changes[path] = (old, new)
    return _Logged(commit, tuple(values), changes)


def _taken_back(logged: list[_Logged]) -> Iterator[TakenBack]:
    for at, made in enumerate(logged):
        undone = {path: (new, old) for path, (old, new) in made.changes.items()}
        for later in logged[at + 1 :] if made.values and undone else ():
            if not later.values and undone.items() <= later.changes.items():
                yield from (TakenBack(later.commit, made.commit, value) for value in made.values)
