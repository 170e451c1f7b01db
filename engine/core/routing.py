"""Which agent takes a step: able, allowed and free; of those who knows the task, then who did least."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.state import Agent, Stage, Task


def may(agent: Agent, stage: Stage) -> bool:
    """Has the agent all the step needs, and is nothing against it?"""
    spec = agent.spec
    if spec.name in stage.avoid or (stage.pin is not None and stage.pin not in {spec.name, spec.pool}):
        return False
    return set(stage.needs).issubset(spec.does)


def free(agent: Agent) -> bool:
    """Could the agent begin something now?"""
    return not (agent.stage or agent.held or agent.pause or agent.spent_out)


def choose(agents: Iterable[Agent], stage: Stage, task: Task) -> Agent | None:
    """The best free agent for the step, or None.

    A next round goes back to its author where it can: it has the feedback's context and its clone at hand.
    """
    able = [agent for agent in agents if free(agent) and may(agent, stage)]
    if not able:
        return None
    authors = {round_.author for round_ in task.rounds if round_.author}
    prefers_author = stage.kind == "work"
    return min(able, key=lambda a: (prefers_author and a.spec.name not in authors, a.done, a.spec.name))
