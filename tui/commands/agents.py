"""`pause`, `resume`, `stop`, `kill`, `send`: what a person does to an agent; each returns when it is proven."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from engine.api.errors import ApiError, EngineGone, NoEngine
from engine.core.commands import PauseAgent, Requests, ResumeAgent, SteerAgent, StopAgent
from tui import door
from tui.commands import output
from tui.commands.errors import NoSuchAgent, NothingRuns
from tui.faces import Face
from tui.headless.table import Cell, table

if TYPE_CHECKING:
    from engine.api.client import Client
    from engine.api.place import Place

Wanted = Literal["paused", "stopped", "resumed"]
GREETING = 1.0
"""Seconds that an engine has to greet somebody who wants to kill."""
FACES: dict[str, Face] = {"paused": "frozen", "stopped": "ended", "resumed": "busy", "gone": "ended"}


def pause(args: Namespace) -> int:
    """Freeze."""
    return _bring(args, "paused", lambda name: PauseAgent(agent=name))


def stop(args: Namespace) -> int:
    """End gently, and hold."""
    return _bring(args, "stopped", lambda name: StopAgent(agent=name))


def resume(args: Namespace) -> int:
    """Thaw, or free of a hold; a hold outlives its engine, so one is started when none runs."""
    client, _ = door.enter(door.find(args.repo))
    return _settle(client, args, "resumed", lambda name: ResumeAgent(agent=name))


def send(args: Namespace) -> int:
    """Tell an agent something."""
    try:
        client = door.attach(door.find(args.repo))
    except NoEngine:
        raise NothingRuns("send to") from None
    with client:
        events = client.submit(SteerAgent(agent=args.agent, text=args.text))
    if args.json:
        output.objects(events)
    else:
        output.lines([f"sent to {args.agent}"])
    return 0


def kill(args: Namespace) -> int:
    """Kill at once; without an engine, or with one that hangs, by the records of its processes."""
    place = door.find(args.repo)
    found = _killed(place, args.agent)
    _show(found, "gone", args)
    if any(not one["gone"] for one in found):
        output.aside(next(str(one["proof"]) for one in found if not one["gone"]))
        return 1
    return 0


def _killed(place: Place, agent: str | None) -> list[dict[str, Any]]:
    try:
        with _greeted(place) as client:
            return client.kill(agent)
    except ApiError as error:
        if not isinstance(error, NoEngine):
            why = error.reason if isinstance(error, EngineGone) else str(error)
            output.aside(f"{why}; killing by the records of its processes")
        return by_records(place, agent)


def _greeted(place: Place) -> Client:
    """A client of an engine that answers at once: who wants to kill does not wait for one that hangs."""
    from queue import Empty, SimpleQueue  # noqa: PLC0415  loaded where it is needed
    from threading import Event, Thread  # noqa: PLC0415

    answer: SimpleQueue[Client | ApiError] = SimpleQueue()
    left = Event()

    def attach() -> None:
        try:
            client = door.attach(place)
        except ApiError as error:
            answer.put(error)
            return
        answer.put(client)
        if left.is_set():
            client.close()

    Thread(target=attach, daemon=True).start()
    try:
        found = answer.get(timeout=GREETING)
    except Empty:
        left.set()
        raise EngineGone("the engine hangs") from None
    if isinstance(found, ApiError):
        raise found
    return found


def by_records(place: Place, agent: str | None) -> list[dict[str, Any]]:
    """Kill what the process records name, without any engine. Raises NoSuchAgent."""
    from engine.api.last_resort import path_of  # noqa: PLC0415  loaded where it is needed

    if agent is not None and not path_of(door.layout(place).processes, agent).exists():
        _refuse_unknown(place, agent)
    return felled(place, agent)


def felled(place: Place, agent: str | None) -> list[dict[str, Any]]:
    """The same for an agent that is known to be one."""
    from engine.api.last_resort import kill_recorded  # noqa: PLC0415  loaded where it is needed

    done = kill_recorded(door.layout(place).processes, None if agent is None else [agent])
    return [
        {
            "agent": one.agent,
            "gone": one.proof.gone,
            "processes": one.proof.processes,
            "ms": one.proof.ms,
            "proof": one.proof.text,
            "snapshot": None,
        }
        for one in done
    ]


def _refuse_unknown(place: Place, agent: str) -> None:
    """A name that nobody has is a slip, and holding it would hide that. A record that cannot be read knows nobody."""
    from engine.api.refusals import JournalError  # noqa: PLC0415
    from engine.core.events import UnknownKind  # noqa: PLC0415

    try:
        known = list(door.state(place).agents)
    except (JournalError, UnknownKind):
        return
    if known and agent not in known:
        raise NoSuchAgent(agent, known)


def _bring(args: Namespace, wanted: Wanted, ask: Callable[[str], Requests]) -> int:
    try:
        client = door.attach(door.find(args.repo))
    except NoEngine:
        raise NothingRuns({"paused": "pause", "stopped": "stop"}.get(wanted, wanted)) from None
    return _settle(client, args, wanted, ask)


def _settle(client: Client, args: Namespace, wanted: Wanted, ask: Callable[[str], Requests]) -> int:
    with client:
        for name in [args.agent] if args.agent is not None else _all(client, wanted):
            client.submit(ask(name))
        _show(client.settled(args.agent, wanted), wanted, args)
    return 0


def _all(client: Client, wanted: Wanted) -> list[str]:
    """Whom it can be asked of: an agent that is held has nothing to freeze."""
    agents = client.status()["agents"]
    return [str(agent["name"]) for agent in agents if wanted != "paused" or not agent["held"]]


def _show(found: list[dict[str, Any]], word: str, args: Namespace) -> None:
    if args.json:
        output.document(found if args.all or len(found) != 1 else found[0])
        return
    if not found:
        output.lines(["there is no agent here"])
        return
    output.lines(table([_row(one, word) for one in found], output.look(), indent=0))


def _row(one: dict[str, Any], word: str) -> list[Cell]:
    gone = one.get("gone", True)
    state = Cell(word if gone else "NOT gone", FACES.get(word, "note") if gone else "bad")
    kept = f"; its work is kept as {one['snapshot']}" if one.get("snapshot") else ""
    kept = "; its work is still being kept, `quarterdeck undo` lists it then" if one.get("keeping") else kept
    took = f"{one['ms']:.0f} ms" if isinstance(one.get("ms"), int | float) else ""
    return [Cell(str(one.get("agent", ""))), state, Cell(took), Cell(f"{one.get('proof', '')}{kept}", loose=True)]
