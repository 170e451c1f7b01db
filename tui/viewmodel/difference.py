"""A difference as lines: git's unified text, indexed once, each line made only when it is looked at.

Opening costs a split and one search for heads, whatever the size. The numbers of a hunk's lines are counted when one of
its lines is first shown. What is shown is what git wrote, without the heads that the title of a file says in a word.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from tui import cells
from tui.headless.moments import count
from tui.viewmodel.lines import Ink, Line, Span, clean, finder

LONGEST = 2_000
"""Characters of one line that are shown."""
_HEADS = re.compile(
    r"^(?:diff --(?:git|cc|combined) (?P<file>.*)"
    r"|@@ -(?P<old>\d{1,9})(?:,(?P<less>\d{1,9}))? \+(?P<new>\d{1,9})(?:,(?P<more>\d{1,9}))? @@.*)$",
    re.MULTILINE,
)
_SAID = ("index ", "--- ", "+++ ", "new file mode 100644", "deleted file mode 100644", "similarity index ",
         "rename from ", "rename to ")  # fmt: skip
"""Heads that say no more than the title does. Other modes and what is binary are kept."""
_WORDS = (("new file mode", "new"), ("deleted file mode", "deleted"), ("rename from", "renamed"))
_WITHIN: dict[str, tuple[str, Ink]] = {"+": ("+", "add"), "-": ("-", "remove"), " ": (" ", ""), "\\": ("", "dim")}


_FILE_HEADS = re.compile(r"^diff --(?:git|cc|combined) .*(?:\n(?!diff --|@@)[^\n]+)*", re.MULTILINE)
"""A file's first line and all up to its first hunk."""


class _Hunk(NamedTuple):
    line: int
    old: int
    new: int
    last: int


class DiffModel:
    """The lines of one difference. `cut` is how many bytes of it are missing at its end.

    `files` and `hunks` are the numbers of the lines at which each begins, `paths` the names of the files.
    """

    def __init__(self, text: str, cut: int = 0) -> None:
        text, self._told = _without_heads(text)
        self._size_of = (f"\n{text}".count("\n+"), f"\n{text}".count("\n-"))
        self._lines = text.split("\n")
        if not self._lines[-1]:
            self._lines.pop()
        self._cut = cut
        self.files: list[int] = []
        self.paths: list[str] = []
        self._hunks: list[_Hunk] = []
        self._index(text)
        self.hunks = [hunk.line for hunk in self._hunks]
        self._numbers: dict[int, list[tuple[int, int]]] = {}
        self._size = len(str(max((hunk.last for hunk in self._hunks), default=0)))

    def __len__(self) -> int:
        return len(self._lines) + bool(self._cut)

    @property
    def total(self) -> str:
        """How much of it there is: `2 files +3 -1`; nothing where it is nothing. Of what is cut, what is there."""
        added, removed = self._size_of
        return f"{count(len(self.files), 'file')} +{added} -{removed}" if self.files else ""

    def line(self, number: int) -> Line:
        """One line with its numbers, inked by what it is. Raises IndexError."""
        if self._cut and number == len(self._lines):
            return (Span(f"({self._cut:,} bytes more are not shown)", "note"),)
        raw = self._lines[number]
        hunk = bisect_right(self.hunks, number) - 1
        file = bisect_right(self.files, number) - 1
        if file >= 0 and self.files[file] == number:
            return self._title(file)
        if hunk < 0 or (file >= 0 and self.hunks[hunk] < self.files[file]):
            return (Span(cells.row(raw, LONGEST), "dim"),)
        if self.hunks[hunk] == number:
            return (Span(cells.row(raw, LONGEST), "hunk"),)
        return self._content(number, raw, hunk)

    def find(self, needle: str) -> list[int]:
        """Numbers of the lines with this text; small letters find large ones too."""
        has = finder(needle)
        return [number for number, raw in enumerate(self._lines) if has(raw)]

    def _index(self, text: str) -> None:
        line = before = 0
        for found in _HEADS.finditer(text):
            line += text.count("\n", before, found.start())
            before = found.start()
            if found["old"] is not None:
                old, new = int(found["old"]), int(found["new"])
                last = max(old + int(found["less"] or 1), new + int(found["more"] or 1))
                self._hunks.append(_Hunk(line, old, new, last))
            else:
                self.files.append(line)
                self.paths.append(clean(_path(found["file"])))

    def _end(self, line: int) -> int:
        """Where the lines end that belong to what begins at this one."""
        after = [marks[at] for marks in (self.hunks, self.files) if (at := bisect_right(marks, line)) < len(marks)]
        return min(after, default=len(self._lines))

    def _title(self, file: int) -> Line:
        begin = self.files[file]
        end = self.files[file + 1] if file + 1 < len(self.files) else len(self._lines)
        first = bisect_right(self.hunks, begin)
        body = self._lines[self.hunks[first] : end] if first < len(self.hunks) and self.hunks[first] < end else []
        added, removed = sum(raw.startswith("+") for raw in body), sum(raw.startswith("-") for raw in body)
        size = (Span(f"  +{added}", "add"), Span(f" -{removed}", "remove")) if body else ()
        told = "".join(f"  {word}" for word in self._told[file])
        return (Span(self.paths[file], "file"), *((Span(told, "note"),) if told else ()), *size)

    def _content(self, number: int, raw: str, hunk: int) -> Line:
        begin = self.hunks[hunk]
        counted = self._numbers.get(begin)
        if counted is None:
            counted = self._numbers[begin] = self._count(self._hunks[hunk])
        old, new = counted[number - begin - 1]
        sign, ink = _WITHIN.get(raw[:1], (" ", ""))
        shown = raw[1:] if sign else raw
        left = str(old) if old and ink != "add" else ""
        right = str(new) if new and ink != "remove" else ""
        gutter = f"{left:>{self._size}} {right:>{self._size}} "
        return (Span(gutter, "dim"), Span(f"{sign}{cells.row(shown, LONGEST)}", ink))

    def _count(self, hunk: _Hunk) -> list[tuple[int, int]]:
        """The old and new number of each line of a hunk; 0 for a remark of git's."""
        old, new, found = hunk.old, hunk.new, list[tuple[int, int]]()
        for raw in self._lines[hunk.line + 1 : self._end(hunk.line)]:
            sign = raw[:1]
            found.append((0, 0) if sign == "\\" else (old, new))
            old += sign in {" ", "-", ""}
            new += sign in {" ", "+", ""}
        return found


def _without_heads(text: str) -> tuple[str, list[tuple[str, ...]]]:
    """The text without heads that say nothing more, and for each file the words that its title says instead."""
    told = list[tuple[str, ...]]()

    def heads(found: re.Match[str]) -> str:
        first, *lines = found[0].split("\n")
        told.append(tuple(word for head, word in _WORDS if any(line.startswith(head) for line in lines)))
        return "\n".join([first, *(line for line in lines if not line.startswith(_SAID))])

    return _FILE_HEADS.sub(heads, text), told


def _path(head: str) -> str:
    """The new path of `a/x b/x`; of what git quoted, as it stands."""
    half = len(head) // 2
    same = head[:half].removeprefix("a/") == head[half + 1 :].removeprefix("b/")
    return head[half + 1 :].removeprefix("b/") if same else head.replace(" b/", " → ", 1).removeprefix("a/")
