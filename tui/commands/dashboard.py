"""Opening the dashboard: what has to be there for it, and what is said once it is left. Leaving stops nothing.

Nothing of the screen is imported before it is to be seen, and textual's settings are made before textual is.
"""

from __future__ import annotations

import gc
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from engine.api.place import Place
from tui import door
from tui.commands import output

if TYPE_CHECKING:
    from engine.core.state import State
    from tui.headless.look import Look

SETTINGS = {"TEXTUAL_FPS": "240", "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0", "ESCDELAY": "40"}
"""Frames are ours to coalesce; nothing moves that has not changed; esc answers at once (milliseconds)."""
CALM, REMOTE = 0.05, 0.2
"""Seconds between two frames here, and over SSH."""


def here(args: Namespace) -> int:
    """`quarterdeck` alone: the dashboard in a terminal, the status elsewhere."""
    from tui.commands import status  # noqa: PLC0415  the screen needs none of it

    if args.json or not on_terminal():
        return status.here(args)
    place = door.find(args.repo)
    if not (place.root / "quarterdeck.toml").exists() and not status.known(place) and not _begun(args):
        return status.here(args)
    client, _ = door.enter(place)
    client.close()
    return show(place)


def _begun(args: Namespace) -> bool:
    """Offer the first settings; whether they were written."""
    from tui.commands import project  # noqa: PLC0415  only the first time

    output.lines(["There is no quarterdeck.toml here yet.", ""])
    return project.init(Namespace(repo=args.repo, yes=False)) == 0


def wanted(args: Namespace) -> bool:
    """Does a command that follows a run show the screen?"""
    return not args.json and not args.headless and on_terminal()


def on_terminal() -> bool:
    """Can a screen be opened here? It is drawn on standard error; what is left of it goes to standard output."""
    all_of_it = sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()
    return all_of_it and os.environ.get("TERM") != "dumb"


def show(place: Place, *, run: str = "", path: str = "", hints: Sequence[str] = ()) -> int:
    """The dashboard of the engine there, until it is left; the exit code.

    `run` is the run it was opened for. The code is that of a run which ended meanwhile, else 0. `path` is the folder
    in which the gate finds programs first, `hints` are things to try.
    """
    look = output.look()  # before textual takes NO_COLOR out of the environment
    os.environ.update({name: value for name, value in SETTINGS.items() if name not in os.environ})
    gc.disable()  # what is made during the start stays; `tui.app.settle` starts it again
    from engine.api.place import socket_path  # noqa: PLC0415
    from tui.app import Quarterdeck  # noqa: PLC0415
    from tui.bridge import at  # noqa: PLC0415
    from tui.commands import agents  # noqa: PLC0415
    from tui.theme.dress import choose  # noqa: PLC0415
    from tui.viewmodel.board import Board  # noqa: PLC0415

    board = Board(where=str(place.root), path=path)
    app = Quarterdeck(
        at(socket_path(place.id)), board=board, dress=choose(os.environ), frame=_frame(), run=run, hints=hints,
        by_records=partial(agents.felled, place),
    )  # fmt: skip
    app.run()
    if app.defect is not None:
        from tui.commands import breakdown  # noqa: PLC0415  seldom needed

        under_way = board.run is not None and board.run.outcome is None
        return breakdown.told(place, app.defect, under_way=under_way)
    if app.return_code:
        return app.return_code
    return _farewell(place, board.state, ended=app.ended, path=path, look=look)


def _frame() -> float:
    return REMOTE if {"SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"} & os.environ.keys() else CALM


def _farewell(place: Place, state: State, *, ended: bool, path: str, look: Look) -> int:
    run = state.run
    if run is not None and run.outcome is not None and ended:
        from tui.commands.following import EXIT, last_merge  # noqa: PLC0415
        from tui.headless.ending import Proof, ending  # noqa: PLC0415

        output.lines(ending(run, state, Proof(last_merge(place, run.seq), str(place.root), path), look)[1:])
        return EXIT[run.outcome]
    goes_on = "the run goes on; " if run is not None and run.outcome is None else ""
    output.lines([f"{goes_on}`quarterdeck{door.named(place)}` comes back to it"])
    return 0
