"""Checks a whole record offline: every hash, every seq, every joint between segments, every signed checkpoint.

It changes nothing and needs no engine. It names the exact place of the first damage. What it cannot know it says: a
record without a checkpoint kept elsewhere may have been shortened, and a key found beside a record may be anybody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain as joined
from pathlib import Path
from typing import NamedTuple

from engine.journal import chain
from engine.journal.chain import BrokenLine, Head, Mark
from engine.journal.checkpoints import Checkpoint, is_signed_by, parse
from engine.journal.errors import JournalDamaged
from engine.journal.evidence import Evidence, gather
from engine.journal.files import REAL, Files
from engine.journal.recovery import is_end


class Damage(NamedTuple):
    """The first thing that is wrong. `line` counts from 1; 0: the file as a whole. `offset` is in bytes.

    `at_end`: no valid line follows, as after a crash; the next start cuts it and keeps it aside.
    """

    file: Path
    line: int
    offset: int
    why: str
    at_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found. `head` and `size` (bytes of events) are what holds, up to the damage if there is any."""

    head: Head
    size: int
    segments: int
    checkpoints: int
    signed_by: tuple[str, ...]  # the public keys that count, in hex
    unfinished: int  # bytes of an incomplete last line: being written, or cut by a crash
    damage: Damage | None
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.damage is None


def verify(
    record: Path, public_key: bytes | None = None, *, witnessed: Iterable[str] = (), files: Files = REAL
) -> Report:
    """Check the record in a folder, or an exported file. Raises `OSError` where there is none.

    `public_key` (32 bytes) is the only one whose signature counts; without it, those the record names itself.
    `witnessed` are texts of checkpoints kept elsewhere, such as git notes: they show truncation and rewriting.
    """
    end, damage, evidence = Mark(chain.ORIGIN, 0), None, Evidence(files, [], record)
    try:
        evidence = gather(files, record)
        if public_key is not None:
            evidence.keys = (public_key,)
        evidence.checkpoints += [_witness(note, record) for note in witnessed]
        _check_signatures(evidence)
        for mark in _follow(evidence):
            end = mark
    except JournalDamaged as error:
        at_end = _is_end(evidence, error, end)
        damage = Damage(error.file, error.line, error.offset, error.why, at_end)
    return Report(
        head=end.head,
        size=end.size,
        segments=len(evidence.paths),
        checkpoints=len(evidence.checkpoints),
        signed_by=tuple(key.hex() for key in evidence.keys),
        unfinished=evidence.unfinished,
        damage=damage,
        notes=tuple(_limits(evidence, end, own_key=public_key is None)),
    )


def _witness(note: str, record: Path) -> Checkpoint:
    try:
        return parse(note)
    except ValueError as error:
        raise JournalDamaged(record, "a checkpoint kept elsewhere is none") from error


def _check_signatures(evidence: Evidence) -> None:
    for point in evidence.checkpoints:
        if not any(is_signed_by(point, key) for key in evidence.keys):
            raise JournalDamaged(evidence.where, f"the checkpoint at event {point.seq} is not signed by a known key")


def _follow(evidence: Evidence) -> Iterator[Mark]:
    """Follow the chain and hold every checkpoint against it; yields each place reached."""
    due = sorted(evidence.checkpoints, reverse=True)
    end = Mark(chain.ORIGIN, 0)
    for mark in joined([end], _marks(evidence)):
        end = mark
        while due and due[-1].seq == mark.head.seq:
            point = due.pop()
            if point.mark != mark:
                raise JournalDamaged(evidence.where, f"event {point.seq} is not the one a checkpoint was signed for")
        yield mark
    if due:
        why = f"a signed checkpoint says that event {due[0].seq} was here; the record ends at {end.head.seq}"
        raise JournalDamaged(evidence.where, why)


def _marks(evidence: Evidence) -> Iterator[Mark]:
    head, size = chain.ORIGIN, 0
    for line in evidence.lines():
        try:
            head = chain.check(line.text + b"\n", head)
        except BrokenLine as error:
            raise JournalDamaged(line.file, str(error), line=line.number, offset=line.offset) from error
        size += len(line.text) + 1
        yield Mark(head, size)


def _is_end(evidence: Evidence, error: JournalDamaged, end: Mark) -> bool:
    live = not evidence.exported and [error.file] == evidence.paths[-1:]
    return live and is_end(evidence.files, error.file, error.offset, end.head.seq)


def _limits(evidence: Evidence, end: Mark, *, own_key: bool) -> Iterator[str]:
    """What this check could not know."""
    covered = max((point.seq for point in evidence.checkpoints), default=0)
    if covered < end.head.seq:
        yield f"no checkpoint covers events {covered + 1} to {end.head.seq}: a cut there would not be noticed"
    if own_key and evidence.checkpoints:
        yield "signatures were checked with the key found beside the record; compare it with one kept elsewhere"
    if evidence.unfinished:
        yield f"an incomplete last line of {evidence.unfinished} bytes is not counted"
