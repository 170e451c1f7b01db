"""`down`: end the engine, whatever version it is, leaving what can be resumed."""

from __future__ import annotations

import time
from argparse import Namespace

from engine.api.errors import EngineGone, NoEngine
from engine.api.place import Place
from tui import door
from tui.commands import output
from tui.commands.errors import StillThere

PATIENCE, STEP = 60.0, 0.02
"""Seconds for an engine to end, and between two looks whether it still listens."""


def down(args: Namespace) -> int:
    """Begin the end, and return when the engine is gone."""
    place = door.find(args.repo)
    try:
        with door.attach(place, any_version=True) as client:
            pid = client.engine.pid
            client.end(kill=args.kill)
    except NoEngine:
        output.lines(["no engine runs here"])
        return 0
    _await_end(place, pid)
    output.lines([f"the engine (process {pid}) has ended; `quarterdeck run --resume` goes on with an unfinished run"])
    return 0


def _await_end(place: Place, pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            door.attach(place, any_version=True).close()
        except (NoEngine, EngineGone):
            return
        time.sleep(STEP)
    raise StillThere(pid, PATIENCE)
