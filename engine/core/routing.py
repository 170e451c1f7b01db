"""Which agent takes a step: able, allowed and free; of those who knows the task, then who did least."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.core.plans import reviewed
from engine.core.state import Agent, Run, Stage


def may(agent: Agent, stage: Stage) -> bool:
    """Has the agent all the step needs, and is nothing against it?"""
    spec = agent.spec
    if spec.name in stage.avoid or (stage.pin is not None and stage.pin not in {spec.name, spec.pool}):
        return False
    return all(need in spec.does for need in stage.needs)


def free(agent: Agent) -> bool:
    """Could the agent begin something now?"""
    return not (agent.stage or agent.held or agent.pause or agent.spent_out)


def to_review(run: Run, stage: Stage) -> bool:
    """Will what comes of the step be reviewed?"""
    return reviewed(run.task(stage.task).spec, run.pattern, review=run.review)


def able(agents: Collection[Agent], run: Run, stage: Stage) -> list[Agent]:
    """Who may take the step, free or not."""
    spared = _spared(agents, run, stage)
    return [agent for agent in agents if may(agent, stage) and agent is not spared]


def choose(ready: Iterable[Agent], agents: Collection[Agent], run: Run, stage: Stage) -> str | None:
    """The best for the step of those who are `ready`, by name, or None. `agents` is the whole crew.

    A next round goes back to its author where it can: it has the feedback's context and its clone at hand.
    """
    fit = [agent for agent in ready if may(agent, stage)]
    if fit and stage.kind == "work":
        spared = _spared(agents, run, stage)
        fit = [agent for agent in fit if agent is not spared]
        authors = {round_.author for round_ in run.task(stage.task).rounds}
        fit = [agent for agent in fit if agent.spec.name in authors] or fit
    return min(((agent.done, agent.spec.name) for agent in fit), default=(0, None))[1]


def _spared(agents: Collection[Agent], run: Run, stage: Stage) -> Agent | None:
    """The only one who could review what comes of a work step, if somebody else may do the work."""
    if stage.kind != "work" or not to_review(run, stage):
        return None
    reviewers = [agent for agent in agents if "review" in agent.spec.does]
    if len(reviewers) != 1:
        return None
    others = any(may(agent, stage) for agent in agents if agent is not reviewers[0])
    return reviewers[0] if others else None
