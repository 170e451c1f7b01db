"""Which agent takes a step: able, allowed and free; of those who knows the task, then who did least."""

from __future__ import annotations

from collections.abc import Collection

from engine.core.plans import reviewed
from engine.core.state import Agent, Run, Stage


def may(agent: Agent, stage: Stage) -> bool:
    """Has the agent all the step needs, and is nothing against it?"""
    spec = agent.spec
    if spec.name in stage.avoid or (stage.pin is not None and stage.pin not in {spec.name, spec.pool}):
        return False
    return set(stage.needs).issubset(spec.does)


def able(agents: Collection[Agent], run: Run, stage: Stage) -> list[Agent]:
    """Who may take the step, at work or not. The only reviewer of a task leaves its work to others, if there are."""
    found = [agent for agent in agents if may(agent, stage)]
    if stage.kind != "work" or len(found) < 2 or not to_review(run, stage):
        return found
    reviewers = [agent for agent in agents if "review" in agent.spec.does]
    return found if len(reviewers) > 1 else [agent for agent in found if agent not in reviewers]


def to_review(run: Run, stage: Stage) -> bool:
    """Will what comes of the step be reviewed?"""
    return reviewed(run.task(stage.task).spec, run.pattern, review=run.review)


def free(agent: Agent) -> bool:
    """Could the agent begin something now?"""
    return not (agent.stage or agent.held or agent.pause or agent.spent_out)


def choose(agents: Collection[Agent], run: Run, stage: Stage) -> Agent | None:
    """The best free agent for the step, or None.

    A next round goes back to its author where it can: it has the feedback's context and its clone at hand.
    """
    ready = [agent for agent in able(agents, run, stage) if free(agent)]
    if not ready:
        return None
    authors = {round_.author for round_ in run.task(stage.task).rounds if round_.author}
    prefers_author = stage.kind == "work"
    return min(ready, key=lambda a: (prefers_author and a.spec.name not in authors, a.done, a.spec.name))
