"""`log`, `why`, `audit`: the record, read as it stands; an engine is needed only to follow."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import record
from engine.api.archive import read
from engine.api.place import Place
from engine.core.events import Event, decode, encode
from engine.core.evolve import evolve
from engine.core.state import State
from tui import door
from tui.commands import output
from tui.commands.errors import CannotRead, NoSuchTask
from tui.headless.chain import log_line, why_lines

if TYPE_CHECKING:
    from engine.api.archive import Report

DAMAGED = 5


def log(args: Namespace) -> int:
    """What happened; with `--follow`, what happens from now on as well."""
    place = door.find(args.repo)
    if args.json:
        for event in _events(place, args.since, follow=args.follow):
            if _wanted(event, args):
                output.raw(encode(event))
        return 0
    look, state = output.look(), State()
    for event in _events(place, 0, follow=args.follow):
        evolve(state, event)
        if event.seq > args.since and _wanted(event, args):
            output.lines([log_line(event, state, look)])
    return 0


def _wanted(event: Event, args: Namespace) -> bool:
    return (args.task is None or event.task == args.task) and (
        args.agent is None or args.agent in {event.agent, event.actor}
    )


def _events(place: Place, since: int, *, follow: bool) -> Iterator[Event]:
    """The record's events after `since`; then, when following, what the engine publishes."""
    seq = since
    for event in read(door.journal(place), since):
        yield event
        seq = event.seq
    if follow:
        with door.attach(place) as client, client.raw_events(seq) as stream:
            yield from map(decode, stream)


def why(args: Namespace) -> int:
    """How it came that a task stands as it does."""
    folder = door.journal(door.find(args.repo))
    chain = record.why(read(folder), args.task)
    if not chain:
        run = record.load_state(folder).run
        raise NoSuchTask(args.task, sorted(run.tasks) if run is not None else [])
    if args.json:
        for event in chain:
            output.raw(encode(event))
    else:
        output.lines(why_lines(chain, output.look()))
    return 0


def audit(args: Namespace) -> int:
    """Verify the record, or write it out."""
    if args.what == "export":
        return _export(door.journal(door.find(args.repo)), args.file)
    return _verify(args)


def _export(folder: Path, file: str | None) -> int:
    from engine.api.archive import export  # noqa: PLC0415  loaded where it is needed

    if file is None:
        return _to_stdout(folder)
    out = Path(file)
    if out.exists():
        raise CannotRead(file, "is there already; name a new file")
    try:
        export(folder, out)
    except OSError as error:
        raise CannotRead(file, error.strerror or str(error)) from error
    output.aside(f"wrote {out} ({out.stat().st_size:,} bytes); check it with `quarterdeck audit verify {out}`")
    return 0


def _to_stdout(folder: Path) -> int:
    import shutil  # noqa: PLC0415
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from engine.api.archive import export  # noqa: PLC0415

    with TemporaryDirectory(prefix="quarterdeck-") as aside:
        whole = Path(aside) / "record.jsonl"
        export(folder, whole)
        sys.stdout.flush()
        with whole.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return 0


def _verify(args: Namespace) -> int:
    where, notes, foreign = _to_verify(args)
    report = _verified(where, notes)
    if foreign:
        told = f"{foreign} checkpoint{'s' * (foreign != 1)} among git's notes: of another record, so not compared"
        report = replace(report, notes=(*report.notes, told))
    if args.json:
        output.document(_document(report, where))
    else:
        _show(report, where)
    return 0 if report.ok else DAMAGED


def _to_verify(args: Namespace) -> tuple[Path, list[str], int]:
    """The record, what git's notes say about it, and how many of these are about another one."""
    if args.file:
        return Path(args.file), [], 0
    from engine.api.witnesses import witnessed  # noqa: PLC0415  loaded where it is needed

    place = door.find(args.repo)
    folder = door.journal(place)
    return folder, *witnessed(place.root, folder)


def _verified(where: Path, notes: list[str]) -> Report:
    from engine.api.archive import verify  # noqa: PLC0415

    try:
        return verify(where, witnessed=notes)
    except OSError as error:
        raise CannotRead(str(where), error.strerror or str(error)) from error


def _document(report: Report, where: Path) -> dict[str, Any]:
    damage = report.damage
    place = (
        {"file": str(damage.file), "line": damage.line, "offset": damage.offset, "why": damage.why} if damage else None
    )
    return {
        "record": str(where),
        "ok": report.ok,
        "seq": report.head.seq,
        "head": report.head.hash,
        "bytes": report.size,
        "segments": report.segments,
        "checkpoints": report.checkpoints,
        "signed_by": list(report.signed_by),
        "unfinished": report.unfinished,
        "damage": place,
        "notes": list(report.notes),
    }


def _show(report: Report, where: Path) -> None:
    from tui.headless.rows import pairs  # noqa: PLC0415

    look = output.look()
    told = [
        ("record", str(where)),
        ("events", f"{report.head.seq:,} in {report.segments} segment{'s' * (report.segments != 1)}"),
        ("head", report.head.hash),
        (
            "checkpoints",
            f"{report.checkpoints}, signed by {', '.join(report.signed_by)}" if report.checkpoints else "none",
        ),
    ]
    state = look.state("good", "the record holds") if report.ok else look.state("bad", "the record is DAMAGED")
    output.lines([state, *pairs(told, look), *(f"  {look.state('note', note)}" for note in report.notes)])
    if report.damage is not None:
        damage = report.damage
        place = f"{damage.file}, {f'line {damage.line}, ' if damage.line else ''}byte {damage.offset}"
        output.aside(f"{place}: {damage.why}; nothing was changed, restore the file from a copy")
