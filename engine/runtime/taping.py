"""The tape of a run that was started with one: `run --record FILE`, `run --replay FILE`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from engine.api.calls import CallRefused, RunRequest
from engine.gateway.llm.tape import Player, Recorder
from engine.gateway.llm.tape_lines import TapeError
from workspaces.layout import Layout

Places = Callable[[str], Mapping[str, str]]
Tape = Recorder | Player


def tape_of(request: RunRequest, places: Places, secrets: Callable[[], Iterable[str]]) -> Tape | None:
    """The tape that a request asks for, opened; None for most. Raises CallRefused."""
    if request.record and request.replay:
        raise CallRefused("a run is recorded or played, not both: leave --record or --replay out", code="usage")
    try:
        if request.record:
            return Recorder(Path(request.record), places=places, secrets=secrets)
        return Player(Path(request.replay), places=places) if request.replay else None
    except TapeError as error:
        raise CallRefused(str(error), code="tape") from error


def places(layout: Layout, root: Path, home: Path | None, agent: str) -> dict[str, str]:
    """Folders by what they are, as an agent's programs call them: what differs from one machine to the next."""
    found = {
        "clone": layout.tree(agent),
        "inbox": layout.inbox(agent),
        "outbox": layout.outbox(agent),
        "agent": layout.agents / agent,
        "repository": root,
        "home": home or layout.home(agent),
    }
    return {name: str(folder) for name, folder in found.items()}
