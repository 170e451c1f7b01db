"""Rows of aligned cells, with the lines that belong to a row below it.

Everything that comes in is made harmless here, once, before it is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui import cells
from tui.faces import Face
from tui.headless.look import Look

if TYPE_CHECKING:
    from tui.headless.said import Gist

GAP = "  "
WORD = 12
_IN_FULL: frozenset[Face] = frozenset({"bad", "ask", "wait", "note", "ended"})
"""What is moved to lines of its own rather than cut: it says what went wrong, or what a person should do."""
MOST_ROWS = 3
"""How many rows one line of more may take."""


class Columns(NamedTuple):
    """The widths of the cells before the state: clock, agent, task."""

    widths: tuple[int, ...]


def rows(lead: Sequence[str], what: Gist, columns: Columns, look: Look, *, brief: bool = False) -> list[str]:
    """One event as a row and the lines below it. `brief`: only the row, cut where it has to be."""
    texts = (cells.plain(text) for text in lead)
    first, *others = (
        cells.pad(cells.cut(text, size, look.ellipsis), size) for text, size in zip(texts, columns.widths, strict=True)
    )
    text = cells.plain(what.text)
    used = sum(columns.widths) + len(GAP) * len(columns.widths) + WORD + 1
    room = look.left(used)
    moved = not brief and what.face in _IN_FULL and room is not None and cells.width(text) > room
    shown = "" if moved else look.fit(text, used)
    state = look.state(what.face, cells.cut(cells.plain(what.word), WORD - 2, look.ellipsis), WORD if shown else 0)
    head = GAP.join([look.ink(first, "dim"), *others, state])
    row = f"{head} {shown}" if shown else head
    if brief:
        return [row]
    return [row, *below(([text] if moved else []) + [*what.more], columns.widths[0] + 2, look)]


def below(lines: Iterable[str], indent: int, look: Look) -> list[str]:
    """Lines that belong to the one above them: behind a bar, wrapped where they do not fit."""
    bar = " " * indent + look.ink(look.bar, "dim") + " "
    return [bar + row for line in lines for part in cells.plain_lines(line) for row in _wrapped(part, indent + 2, look)]


def _wrapped(line: str, used: int, look: Look) -> list[str]:
    text = line.lstrip(" ")
    lead = " " * (len(line) - len(text))
    room = look.left(used + len(lead))
    found = cells.wrap(text, room)
    if len(found) > MOST_ROWS:
        rest = " ".join(found[MOST_ROWS - 1 :])
        found = [*found[: MOST_ROWS - 1], cells.cut(rest, room, look.ellipsis)]
    return [lead + row for row in found]


def pairs(found: Iterable[tuple[str, str]], look: Look, *, indent: int = 2) -> list[str]:
    """Names with their values in two columns; a long value is wrapped under itself."""
    told = [(name, cells.plain(value)) for name, value in found if value]
    size = max((cells.width(name) for name, _ in told), default=0)
    lines: list[str] = []
    for name, value in told:
        used = indent + size + 2
        first, *rest = cells.wrap(value, look.left(used))
        lines.append(" " * indent + look.ink(cells.pad(name, size), "dim") + GAP + first)
        lines += [" " * used + row for row in rest]
    return lines
