"""A list of rows that are made when somebody looks at them: of a thousand, a screen shows thirty.

What a row is made of is taken down when the list is, so that a row that is looked at later can still be made, whatever
has happened since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from tui.viewmodel.lines import Row


class Listing(Sequence[Row]):
    """Rows of `height` lines each. `make` gives the row at a place, and is asked once; `keys` are theirs, in order."""

    def __init__(self, keys: Sequence[str], make: Callable[[int], Row], *, height: int = 1) -> None:
        self.keys, self.height = keys, height
        self._make = make
        self._made: dict[int, Row] = {}

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        number = range(len(self.keys))[at]
        if isinstance(number, range):
            return [self[one] for one in number]
        found = self._made.get(number)
        if found is None:
            found = self._made[number] = self._make(number)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as for a list
