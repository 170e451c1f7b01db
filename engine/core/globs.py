"""Which paths a list of globs names: `[agents.NAME.permissions] write`.

Every glob begins at the repository's root and is matched segment by segment, upper and lower case apart: `*`, `?` and
`[a-z]` stay within a segment, `**` is any number of them, a trailing `**` at least one (`src/**` is all below `src`).
A glob without wildcards is a file, or a folder with all in it. There is no `!` that takes away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

ANY = "**"
_WILD = frozenset("*?[")


def allowed(path: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs names this path, which is relative to the root and has `/` between its segments."""
    names = path.split("/")
    return any(_named(names, glob) for glob in globs)


def outside(paths: Iterable[str], globs: Collection[str]) -> tuple[str, ...]:
    """The paths that no glob names, in their order."""
    return tuple(path for path in paths if not allowed(path, globs))


def _named(names: list[str], glob: str) -> bool:
    parts = [part for part in glob.split("/") if part not in {"", "."}]
    if glob.endswith("/"):
        parts.append(ANY)
    if not any(_WILD & set(part) for part in parts) and names[: len(parts)] == parts:
        return bool(parts)
    if parts and parts[-1] == ANY:
        parts.append("*")
    return _fits(names, parts)


def _fits(names: list[str], parts: list[str]) -> bool:
    """The usual walk with one way back, to the last `**`: no glob takes longer than both lengths multiplied."""
    at = part = back = 0
    last: int | None = None
    while at < len(names):
        if part < len(parts) and parts[part] == ANY:
            last, back = part, at
            part += 1
        elif part < len(parts) and fnmatchcase(names[at], parts[part]):
            at, part = at + 1, part + 1
        elif last is not None:
            back += 1
            at, part = back, last + 1
        else:
            return False
    return part == len(parts)
