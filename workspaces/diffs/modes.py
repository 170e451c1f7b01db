"""Fills in what a diff leaves out: a file that was renamed and nothing else has no modes there, and may be a link.

Git lists the same files in the same order (`--raw`), one line each; a file that changed its kind is two in the diff.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workspaces.diffs.model import File
from workspaces.errors import BadDiff


def with_modes(files: Sequence[File], listing: Sequence[str]) -> tuple[File, ...]:
    """The files of a diff, each with its modes. `listing` may hold empty lines. Raises `BadDiff`."""
    modes = [pair for row in listing if row for pair in _modes(row)]
    if len(modes) != len(files):
        raise BadDiff(0, f"{len(modes)} files are listed and {len(files)} are shown")
    return tuple(
        replace(file, old_mode=file.old_mode or old, new_mode=file.new_mode or new)
        if file.status in {"renamed", "copied"}
        else file
        for file, (old, new) in zip(files, modes, strict=True)
    )


def _modes(row: str) -> list[tuple[str, str]]:
    """The modes of a line `:OLD NEW BLOB BLOB STATUS<TAB>PATHS`."""
    words = row.partition("\t")[0].split(" ")
    if len(words) != 5 or not words[0].startswith(":"):
        raise BadDiff(0, row)
    old, new = words[0][1:], words[1]
    return [(old, ""), ("", new)] if words[4] == "T" else [(old, new)]
