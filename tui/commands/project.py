"""`init`, `doctor`, `schema`: this installation and this repository's settings."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api.refusals import WorkspaceError
from tui import door
from tui.commands import output
from tui.commands.errors import NoSuchSchema
from tui.faces import Face

if TYPE_CHECKING:
    from engine.api.project import Finding, Settings

FACES: dict[str, Face] = {"ok": "good", "warn": "note", "bad": "bad"}


def init(args: Namespace) -> int:
    """Write the first `quarterdeck.toml`."""
    from engine.api.project import (  # noqa: PLC0415  loaded where it is needed
        PROJECT_FILE,
        propose,
        write,
    )

    root = door.find(args.repo).root
    proposal = propose(root)
    if not args.yes and sys.stdin.isatty() and not (root / PROJECT_FILE).exists():
        output.lines([proposal.text, *proposal.saw, ""])
        if not _yes(f"Write this to {root / PROJECT_FILE}? [Y/n] "):
            output.aside("nothing was written")
            return 130
    path = write(root, proposal)
    then = "read it" if proposal.crew else "read it, add an agent"
    output.lines([*proposal.saw, f"wrote {path}; {then}, then `quarterdeck run GOAL`"])
    return 0


def _yes(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"", "y", "yes"}
    except EOFError:
        return False


def doctor(args: Namespace) -> int:
    """What is in order here and what is not; 2 when something has to be mended first."""
    found = _findings(args.repo)
    if args.json:
        output.document([_document(one) for one in found])
    else:
        _show(found)
    return 2 if any(one.level == "bad" for one in found) else 0


def _document(one: Finding) -> dict[str, Any]:
    return {
        "level": one.level,
        "what": one.what,
        "detail": one.detail,
        "mend": one.mend or None,
        "more": list(one.more),
    }


def _show(found: list[Finding]) -> None:
    from tui.headless.rows import below  # noqa: PLC0415
    from tui.headless.table import Cell, table  # noqa: PLC0415

    look = output.look()
    rows = table([[Cell(f.what, FACES[f.level]), Cell(f.detail, loose=True)] for f in found], look, indent=0)
    for row, one in zip(rows, found, strict=True):
        told = [*one.more, *([f"to mend: {one.mend}"] if one.mend else [])]
        output.lines([row, *below(told, 2, look)])


def _findings(repo: str | None) -> list[Finding]:
    from engine.api.project import (  # noqa: PLC0415
        Finding,
        brokers,
        confinement,
        findings,
        load,
    )
    from engine.api.refusals import ConfigError  # noqa: PLC0415

    root, notices, kept, trouble = _repository(repo)
    settings: Settings | None = None
    error: ConfigError | None = None
    try:
        settings = load(root)
    except ConfigError as found:
        error = found
    path = os.environ.get("PATH", os.defpath)
    usable = brokers() if settings is not None and settings.bus.on else []
    told = findings(
        root,
        settings,
        git=_git_version(),
        path=path,
        tier=confinement(settings),
        error=error,
        notices=notices,
        brokers=usable,
        kept=kept,
        environment=os.environ,
    )
    return [*told, *([Finding(level="bad", what="repository", detail=trouble)] if trouble else [])]


def _repository(repo: str | None) -> tuple[Path, tuple[str, ...], str, str]:
    """Its root, what is unusual about it, how much is put aside in it, and why it cannot be used."""
    import asyncio  # noqa: PLC0415  only here, and dear

    from engine.api import undo  # noqa: PLC0415
    from engine.api.project import Repository  # noqa: PLC0415

    folder = Path(repo) if repo is not None else Path.cwd()
    try:
        found = asyncio.run(Repository.open(folder))
        kept = asyncio.run(undo.summary(found.git))
    except WorkspaceError as error:
        return folder, (), "", str(error)
    return found.root, found.notices, kept, ""


def _git_version() -> tuple[int, ...] | None:
    import re  # noqa: PLC0415
    import subprocess  # noqa: PLC0415

    try:
        said = subprocess.run(["git", "version"], check=False, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return None
    numbers = re.search(r"\d+(?:\.\d+)+", said)
    return tuple(map(int, numbers[0].split("."))) if numbers else None


def schema(args: Namespace) -> int:
    """One JSON Schema, or the names there are."""
    from engine.api.project import NAMES  # noqa: PLC0415
    from engine.api.project import schema as schema_of  # noqa: PLC0415

    if args.name is None:
        output.lines(NAMES)
        return 0
    if args.name not in NAMES:
        raise NoSuchSchema(args.name, NAMES)
    output.document(schema_of(args.name))
    return 0
