"""`status`, and what stands alone: how things are here."""

from __future__ import annotations

import time
from argparse import Namespace
from typing import Any

from engine.api.place import Place
from tui import door
from tui.commands import output


def status(args: Namespace) -> int:
    """The command."""
    told = current(door.find(args.repo))
    if args.json:
        output.document(told)
    else:
        _show(told)
    return 0


def here(args: Namespace) -> int:
    """`quarterdeck` alone: the status, or how to begin where there is none."""
    place = door.find(args.repo)
    if args.json or known(place):
        return status(args)
    begun = (place.root / "quarterdeck.toml").exists()
    output.lines([f"{place.root}: nothing has been run here yet.", ""])
    output.lines(
        ["  quarterdeck run GOAL    starts a run" if begun else "  quarterdeck init    writes quarterdeck.toml"]
    )
    output.lines(["  quarterdeck demo    shows a run in a folder of its own", "  quarterdeck --help  tells the rest"])
    return 0


def current(place: Place) -> dict[str, Any]:
    """What the engine says, else what the record says; a hung engine is said, on standard error."""
    from engine.api.errors import EngineGone, NoEngine  # noqa: PLC0415  loaded where it is needed

    try:
        with door.attach(place) as client:
            return client.status()
    except NoEngine:
        pass
    except EngineGone as error:
        output.aside(f"{error.reason}; this is what the record says")
    return recorded(place)


def recorded(place: Place) -> dict[str, Any]:
    """The status as far as it can be told without an engine."""
    from engine.api.status import status as told  # noqa: PLC0415

    return told(door.state(place), now=time.time(), engine=None)


def known(place: Place) -> bool:
    """Has anything been recorded there?"""
    folder = door.layout(place).journal
    return folder.is_dir() and any(folder.iterdir())


def _show(told: dict[str, Any]) -> None:
    from tui.headless.status import status_lines  # noqa: PLC0415

    output.lines(status_lines(told, output.look(), now=time.time()))
