"""The record for those who only read it, with or without an engine: its state, its lines, and why something is so.

It writes nothing and takes no lock. What it reads may be a few events ahead of what an engine publishes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.core import events as e
from engine.core.evolve import evolve
from engine.core.state import State
from engine.journal.chain import Head
from engine.journal.files import REAL
from engine.journal.reader import read, read_lines
from engine.journal.snapshots import Snapshots

_ANYWHERE = Head(sys.maxsize, "")
TELLING = (
    e.TaskEnded,
    e.MergeDone,
    e.MergeConflicted,
    e.MergeWaiting,
    e.MergeFailed,
    e.ApprovalAsked,
    e.ReviewGiven,
    e.ReviewFailed,
    e.CheckPassed,
    e.CheckFailed,
    e.AttemptClaimed,
    e.AttemptFailed,
    e.StageInterrupted,
)
"""Facts that say how a task stands; opening and closing steps is bookkeeping."""


class _Whom(Struct):
    task: str = ""
    agent: str = ""
    actor: str = ""


_whom = msgspec.json.Decoder(_Whom)


def load_state(folder: Path) -> State:
    """The state as the record in `folder` has it now: the newest snapshot that fits, and every event after it.

    An empty state for a folder without a record. Raises `JournalDamaged`, and `UnknownKind` for a later version's.
    """
    found = Snapshots(REAL, folder).latest(_ANYWHERE)
    state = msgspec.msgpack.decode(found[1], type=State) if found else State()
    for event in read(folder, state.seq):
        evolve(state, event)
    return state


def why(events: Iterable[e.Event], task: str) -> list[e.Event]:
    """The chain of causes that led to how the task stands, oldest first; empty for a task never heard of.

    It ends with the last fact that tells how the task stands (any fact, where none does), and begins where no cause
    is known: with `run_started`, as a rule. The end of a step comes with what was found in it, since that is why.
    """
    index: dict[int, e.Event] = {}
    found: dict[int | None, list[e.Event]] = {}  # cause -> what tells
    last: e.Event | None = None
    telling: e.Event | None = None
    for event in events:
        index[event.seq] = event
        tells = _tells(event)
        if tells:
            found.setdefault(event.cause, []).append(event)
        if event.task == task:
            last = event
            added = isinstance(event.data, e.TaskAdded)  # a later run may have a task of the same name
            telling = event if tells else None if added else telling
    return list(reversed(list(_back(index, found, telling or last))))


def _tells(event: e.Event) -> bool:
    """Does it say how its task stands? An agent that waits or goes on is told with its task."""
    match event.data:
        case e.PermissionAsked(known=known):
            return not known
        case e.PermissionGiven(by=by):
            return by == "person"
        case e.AgentPauseAsked() | e.AgentResumed():
            return bool(event.task)
    return isinstance(event.data, TELLING)


def _back(
    index: dict[int, e.Event], found: dict[int | None, list[e.Event]], event: e.Event | None
) -> Iterator[e.Event]:
    while event is not None:
        yield event
        if isinstance(event.data, e.StageClosed):
            yield from (other for other in reversed(found.get(event.cause, [])) if other.seq < event.seq)
        event = index.get(event.cause) if event.cause is not None and event.cause < event.seq else None


def lines(folder: Path, since: int = 0, *, task: str | None = None, agent: str | None = None) -> Iterator[bytes]:
    """The record's lines after seq `since`, only those about the task and the agent if they are given."""
    return about(read_lines(folder, since), task=task, agent=agent)


def about(events: Iterable[bytes], *, task: str | None = None, agent: str | None = None) -> Iterator[bytes]:
    """Of encoded events, those about the task and the agent; an agent's are also those it brought about."""
    if task is None and agent is None:
        yield from events
        return
    for line in events:
        whom = _whom.decode(line)
        if (task is None or whom.task == task) and (agent is None or agent in {whom.agent, whom.actor}):
            yield line
