"""`undo`: what was put aside and can be brought back; and bringing it back. Needs no engine.

Nothing that exists is moved or overwritten: what comes back is a branch of its own.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from tui import door
from tui.commands import output

if TYPE_CHECKING:
    from engine.api.place import Place


def undo(args: Namespace) -> int:
    """The command."""
    place = door.find(args.repo)
    return _list(place, args) if args.id is None else _bring(place, args)


def _list(place: Place, args: Namespace) -> int:
    from engine.api import undo as kept  # noqa: PLC0415  loaded where it is needed

    told = asyncio.run(kept.told(kept.repository(place.root), door.state(place), door.layout(place), _waiting(place)))
    if args.json:
        output.document(told)
        return 0
    from tui.headless.kept import kept_lines  # noqa: PLC0415  only where it is shown

    output.lines(kept_lines(told, output.look()))
    return 0


def _waiting(place: Place) -> tuple[dict[str, Any], ...]:
    """What is in clones and not kept yet. An engine that runs keeps it in time, so then there is none to tell of."""
    from engine.api.errors import ApiError, NoEngine  # noqa: PLC0415  loaded where it is needed
    from engine.api.undo import waiting  # noqa: PLC0415

    try:
        door.attach(place, any_version=True).close()
    except NoEngine:
        return waiting(door.layout(place))
    except ApiError:
        return ()
    return ()


def _bring(place: Place, args: Namespace) -> int:
    done = _brought(place, args.id)
    if args.json:
        output.document(done)
        return 0
    from tui.headless.kept import brought_lines  # noqa: PLC0415  only where it is shown

    output.lines(brought_lines(done))
    return 0


def _brought(place: Place, name: str) -> dict[str, Any]:
    from engine.api import undo as kept  # noqa: PLC0415  loaded where it is needed
    from engine.api.errors import NoEngine  # noqa: PLC0415
    from engine.core.commands import BringBack  # noqa: PLC0415

    try:
        client = door.attach(place)
    except NoEngine:
        return asyncio.run(kept.without_engine(kept.repository(place.root), door.state(place), name))
    with client:
        events = client.submit(BringBack(kept=name))
    (back,) = (event for event in events if event["kind"] == "work_brought_back")
    return {"carried": False, **back["data"], "task": back.get("task", ""), "recorded": True}
