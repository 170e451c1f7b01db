"""Reads what `git diff` writes. Pure; it believes the counts of a hunk, not how its lines look.

A removed line `-- x` reads like a file header and an added `++ x` too, so only the counts tell where a hunk ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from workspaces.diffs.model import File, Hunk, Kind, Line, Status
from workspaces.errors import BadDiff

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_KINDS: dict[bytes, Kind] = {b" ": " ", b"+": "+", b"-": "-"}
_START = b"diff --git "


def parse(diff: bytes) -> tuple[File, ...]:
    """Give the changed files of a diff with `a/` and `b/` prefixes. Raises `BadDiff`."""
    reader = _Reader(diff.split(b"\n")[:-1] if diff.endswith(b"\n") else diff.split(b"\n"))
    files: list[File] = []
    while not reader.at_end():
        files.append(_file(reader))
    return tuple(files)


class _Reader:
    """Lines with a place in them."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = [] if lines == [b""] else lines
        self._next = 0

    def at_end(self) -> bool:
        return self._next >= len(self._lines)

    def peek(self) -> bytes:
        return b"" if self.at_end() else self._lines[self._next]

    def take(self) -> bytes:
        if self.at_end():
            raise BadDiff(self._next + 1, "the end")
        self._next += 1
        return self._lines[self._next - 1]

    def refuse(self) -> BadDiff:
        return BadDiff(self._next, self._lines[self._next - 1].decode(errors="backslashreplace"))


def _file(reader: _Reader) -> File:
    start = reader.take()
    if not start.startswith(_START):
        raise reader.refuse()
    header: dict[bytes, bytes] = {}
    while not reader.at_end() and not reader.peek().startswith((_START, b"@@ ", b"GIT binary patch")):
        line = reader.take()
        key = next((key for key in _HEADERS if line.startswith(key)), None)
        if key is None:
            raise reader.refuse()
        header[key] = line[len(key) :]
    hunks: list[Hunk] = []
    while reader.peek().startswith(b"@@ "):
        hunks.append(_hunk(reader))
    literal = _skip_literal(reader)
    return _described(start[len(_START) :], header, tuple(hunks), literal=literal)


_HEADERS = (
    b"old mode ",
    b"new mode ",
    b"deleted file mode ",
    b"new file mode ",
    b"copy from ",
    b"copy to ",
    b"rename from ",
    b"rename to ",
    b"similarity index ",
    b"dissimilarity index ",
    b"index ",
    b"--- ",
    b"+++ ",
    b"Binary files ",
)


def _described(names: bytes, header: dict[bytes, bytes], hunks: tuple[Hunk, ...], *, literal: bool) -> File:
    first, second = _names(names, header)
    added, deleted = header.get(b"new file mode "), header.get(b"deleted file mode ")
    status: Status = "modified"
    if added is not None:
        status = "added"
    elif deleted is not None:
        status = "deleted"
    elif b"rename from " in header:
        status = "renamed"
    elif b"copy from " in header:
        status = "copied"
    unchanged = header.get(b"index ", b"").partition(b" ")[2] or None
    return File(
        old=None if added is not None else first,
        new=None if deleted is not None else second,
        status=status,
        old_mode=_mode(header.get(b"old mode "), deleted, None if added is not None else unchanged),
        new_mode=_mode(header.get(b"new mode "), added, None if deleted is not None else unchanged),
        binary=literal or b"Binary files " in header,
        hunks=hunks,
    )


def _mode(*candidates: bytes | None) -> str | None:
    return next((mode.decode() for mode in candidates if mode is not None), None)


def _names(names: bytes, header: dict[bytes, bytes]) -> tuple[str, str]:
    """Old and new name, from the lines that say one each; the first line is ambiguous where a name has spaces."""
    for key in (b"rename ", b"copy "):
        if key + b"from " in header:
            return _text(_plain(header[key + b"from "])), _text(_plain(header[key + b"to "]))
    for key, prefix in ((b"+++ ", b"b/"), (b"--- ", b"a/")):
        name = _plain(header.get(key, b"/dev/null").removesuffix(b"\t"))  # git ends a name with spaces by a tab
        if name.startswith(prefix):
            return _text(name[2:]), _text(name[2:])
    same = _plain(names[: (len(names) - 1) // 2])  # it is no rename, so both names are the same
    return _text(same[2:]), _text(same[2:])


def _plain(name: bytes) -> bytes:
    """Undo git's C-style quoting."""
    if not name.startswith(b'"'):
        return name
    return _ESCAPE.sub(lambda found: _unescape(found[1]), name[1:-1])


def _unescape(code: bytes) -> bytes:
    return bytes([int(code, 8)]) if len(code) == 3 else _LETTERS.get(code, code)


def _hunk(reader: _Reader) -> Hunk:
    found = _HUNK.fullmatch(reader.take())
    if found is None:
        raise reader.refuse()
    old_start, new_start = int(found[1]), int(found[3])
    old_count = 1 if found[2] is None else int(found[2])
    new_count = 1 if found[4] is None else int(found[4])
    lines = _lines(reader, old_count, new_count)
    return Hunk(old_start, old_count, new_start, new_count, _text(found[5]), tuple(lines))


def _lines(reader: _Reader, old: int, new: int) -> list[Line]:
    lines: list[Line] = []
    while old > 0 or new > 0 or reader.peek().startswith(b"\\"):
        raw = reader.take()
        if raw.startswith(b"\\") and lines:
            lines[-1] = Line(lines[-1].kind, lines[-1].text, ended=False)
            continue
        kind = _KINDS.get(raw[:1])
        if kind is None:
            raise reader.refuse()
        old -= kind != "+"
        new -= kind != "-"
        lines.append(Line(kind, _text(raw[1:])))
    return lines


def _skip_literal(reader: _Reader) -> bool:
    """Pass over a binary patch, of which a reader has nothing."""
    if not reader.peek().startswith(b"GIT binary patch"):
        return False
    while not reader.at_end() and not reader.peek().startswith(_START):
        reader.take()
    return True


def _text(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")
