"""The lines of a program's output that tell why it failed: what a person would look for first.

It only chooses among what is there; it never rewords it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tui.cells import plain_lines

MOST = 8
_PYTEST = re.compile(r"^(E  |FAILED |ERROR )|^\S+:\d+: \w*(Error|Exception|Warning|Exit)\b")
_OTHERS = re.compile(
    r"^\s*(\w+(\.\w+)*(Error|Exception)\b|AssertionError\b|panicked at|error(\[\w+\])?:|Error:|FAIL\b|not ok\b)"
    r"|: (error|fatal error):|^--- FAIL",
)


def telling(output: str, most: int = MOST) -> list[str]:
    """At most so many lines: pytest's own first, then what looks like an error, else the end of the output."""
    lines = [line for line in plain_lines(output) if line]
    for pattern in (_PYTEST, _OTHERS):
        found = _distinct([_brief(line) for line in lines if pattern.search(line)])
        if found:
            return _first(found, most)
    return lines[-most:]


def _brief(line: str) -> str:
    """Pytest's summary repeats the error behind the name of the test; the line of the error says it already."""
    return line.partition(" - ")[0] if line.startswith("FAILED ") else line


def _distinct(lines: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def _first(lines: list[str], most: int) -> list[str]:
    hidden = len(lines) - most
    return lines if hidden <= 0 else [*lines[: most - 1], f"(and {hidden + 1} more such lines)"]
