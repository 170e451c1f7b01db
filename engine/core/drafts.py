"""An event before it has a number and a time: a fact with whom it is about and what brought it about."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core import events as e
from engine.core.state import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`cause` is the seq of the event it follows from.

    None: the last one about its task; for a new task or none, the first of those told together with it.
    """

    data: e.Data
    task: str = ""
    attempt: int = 0
    agent: str = ""
    actor: str = ""
    cause: int | None = None


def of(stage: Stage, data: e.Data, *, agent: str | None = None) -> Draft:
    """A fact that a stage brought about, caused by its assignment (or by its opening)."""
    return Draft(
        data=data,
        task=stage.task,
        attempt=stage.round,
        agent=stage.agent if agent is None else agent,
        cause=stage.assigned or stage.opened,
    )


def closed(stage: Stage, result: str) -> Draft:
    """The end of a stage, caused by what it found, which is told just before: so `why` names the fact."""
    return Draft(
        data=e.StageClosed(stage=stage.id, result=result), task=stage.task, attempt=stage.round, agent=stage.agent
    )
