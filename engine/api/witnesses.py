"""Checkpoints that were kept as git notes, outside the record: they show that it was cut or rewritten.

A note that another key signed is not held against the record: a repository that was copied or moved brings notes of a
record that is elsewhere. How many there are is said.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from engine.journal.checkpoints import ORIGIN, is_signed_by, parse, read_keys
from engine.journal.files import REAL

_REF = "--ref=quarterdeck"


def witnessed(root: Path, journal: Path) -> tuple[list[str], int]:
    """The notes about this record, and how many there are about others."""
    keys = read_keys(REAL, journal)
    notes = [note for note in _notes(root) if note.startswith(ORIGIN)]
    ours = [note for note in notes if _ours(note, keys)]
    return ours, len(notes) - len(ours)


def _ours(note: str, keys: tuple[bytes, ...]) -> bool:
    try:
        point = parse(note)
    except ValueError:
        return True  # it says it is one and cannot be read: that is for the check to tell
    return any(is_signed_by(point, key) for key in keys)


def _notes(root: Path) -> list[str]:
    listed = _git(root, "notes", _REF, "list").splitlines()
    return [_git(root, "cat-file", "blob", line.split()[0]) for line in listed]


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], check=False, capture_output=True)
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""
