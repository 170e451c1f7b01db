"""`run`: start a run or take up the unfinished one, and follow it to its end."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.api.calls import CallRefused, RunRequest
from engine.api.errors import ApiError
from engine.api.place import Place
from engine.api.words import allowed_environment, handed_over
from engine.core.state import State
from tui import door
from tui.commands import dashboard, output
from tui.commands.errors import CannotRead
from tui.commands.following import EXIT, Follower, end, last_merge
from tui.grammar import UsageError
from tui.headless.story import Story

if TYPE_CHECKING:
    from engine.api.client import Client


def run(args: Namespace) -> int:
    """The command."""
    place, request = door.find(args.repo), requested(args)
    if dashboard.wanted(args):
        return watch(place, request)
    return carry_out(place, request, json=args.json)


def requested(args: Namespace) -> RunRequest:
    """What was typed, with the plan read and the environment that is handed over. Raises UsageError, CannotRead."""
    if args.resume and (args.goal or args.plan is not None):
        raise UsageError("--resume goes on with the run as it is, so it takes no GOAL and no --plan; see `task add`")
    if args.record is not None and args.replay is not None:
        raise UsageError("--record asks the models and --replay does not: take one of them")
    if args.replay is not None and not Path(args.replay).expanduser().is_file():
        raise CannotRead(args.replay, "there is no such tape")
    name, text = plan_text(args.plan) if args.plan is not None else ("", None)
    return RunRequest(
        goal=args.goal,
        plan=text,
        plan_name=name,
        pattern=args.pattern,
        agent=args.agent,
        budget=args.budget,
        target=args.target,
        unconfined=args.unconfined,
        allow_red=args.allow_red,
        resume=args.resume,
        environment=handed_over(os.environ),
        record=_named(args.record),
        replay=_named(args.replay),
    )


def _named(tape: str | None) -> str | None:
    """A tape by a name that holds wherever the engine is."""
    return None if tape is None else str(Path(tape).expanduser().absolute())


def plan_text(path: str) -> tuple[str, str]:
    """The name of a plan for errors, and its text. Raises CannotRead."""
    try:
        if path == "-":
            return "standard input", sys.stdin.read()
        return path, Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise CannotRead(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise CannotRead(path, f"is not UTF-8 text (byte {error.start})") from error


def carry_out(place: Place, request: RunRequest, *, json: bool, path: str = "") -> int:
    """Start the run, follow it, end the engine if this started it. `path`: where the gate finds programs first."""
    client, started = door.enter(place)
    with client:
        try:
            state = None if json else door.state(place)
            seq = client.engine.seq if state is None else state.seq
            run_id = client.start_run(request)
            story = None if state is None else _story(place, state, path=path, resume=request.resume)
            code = Follower(place, client, story, run=run_id, seq=seq).follow()
            started = started and not (code in {EXIT["budget"], EXIT["needs_human"]} and _kept_waiting(client))
            return code
        finally:
            if started:
                end(client)


def _kept_waiting(client: Client) -> bool:
    """Does the engine stay, as an agent waits for a person in the middle of its step? That is said."""
    try:
        agents = client.status()["agents"]
    except ApiError:
        return False
    waiting = [agent["name"] for agent in agents if agent["waits"] in {"budget", "permission"}]
    if waiting:
        names = ", ".join(waiting)
        output.aside(f"the engine stays, so that {names} can go on in the same session; `quarterdeck down` ends it")
    return bool(waiting)


def watch(place: Place, request: RunRequest, *, path: str = "", hints: Sequence[str] = ()) -> int:
    """Start the run and open the dashboard on it. The engine stays when that is left: leaving stops nothing."""
    client, started = door.enter(place)
    with client:
        try:
            run_id = client.start_run(request)
        except CallRefused:
            if started:
                end(client)
            raise
    return dashboard.show(place, run=run_id, path=path, hints=hints)


def _story(place: Place, state: State, *, path: str, resume: bool) -> Story:
    """The story of the run from `state` on; one that is taken up begins with what it is about."""
    past = state.run if resume else None
    merged = None if past is None else last_merge(place, past.seq)
    story = Story(output.look(), str(place.root), state=state, merged=merged, path=path)
    if past is not None:
        output.lines(story.opening())
    return story


def handed(path: str, extra: Mapping[str, str], *, keys: bool = False) -> dict[str, str]:
    """The environment that is handed over, `keys` and all, when programs are to be found in the folder `path` first."""
    environment = {**os.environ, "PATH": os.pathsep.join((path, os.environ.get("PATH", os.defpath))), **extra}
    return handed_over(environment) if keys else allowed_environment(environment)
