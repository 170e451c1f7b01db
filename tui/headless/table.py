"""Rows in columns as wide as what is in them; the last column takes what is left and is cut there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tui import cells
from tui.faces import Face
from tui.headless.look import Look

WIDEST = 28
LEAST = 8
"""Cells below which what takes the rest of a line is left out."""


class Cell(NamedTuple):
    """One text; with a face it is a state, shown with its glyph. `loose`: it takes what is left of the line."""

    text: str
    face: Face | None = None
    loose: bool = False


def table(rows: Sequence[Sequence[Cell]], look: Look, *, indent: int = 2) -> list[str]:
    """The rows, aligned; a column in which nothing stands is left out."""
    shown = [[Cell(cells.plain(cell.text), cell.face, cell.loose) for cell in row] for row in rows]
    used = [index for index in range(len(shown[0])) if any(row[index].text for row in shown)] if shown else []
    sizes = {index: min(max(_size(row[index]) for row in shown), WIDEST) for index in used}
    return [_line([(row[index], sizes[index]) for index in used], look, indent) for row in shown]


def _size(cell: Cell) -> int:
    return cells.width(cell.text) + (2 if cell.face else 0)


def _line(row: list[tuple[Cell, int]], look: Look, indent: int) -> str:
    line, taken = " " * indent, indent
    for cell, size in row:
        if cell.loose:
            line += look.fit(cell.text, taken) if look.width is None or look.width - taken >= LEAST else ""
            continue
        text = cells.cut(cell.text, size - (2 if cell.face else 0), look.ellipsis)
        line += look.state(cell.face, text, size) if cell.face else cells.pad(text, size)
        line += "  "
        taken += size + 2
    return line.rstrip()
