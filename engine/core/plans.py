"""What makes a plan impossible, and what a crew lacks for it.

Pure checks over task specs, used on a person's plan before a run and on a planner's result during it. They only find;
whether to refuse is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import Literal

from msgspec.structs import replace

from engine.core.patterns import PLANNING, REVIEWING
from engine.core.values import AgentSpec, TaskSpec, Value

MOST_TASKS = 10_000
LONGEST_ID = 100
_ID = re.compile(r"[a-z0-9-]+")

ProblemKind = Literal[
    "empty", "too_many", "id", "duplicate", "unknown", "cycle", "path", "agent", "capability", "review"
]


class Problem(Value, frozen=True, kw_only=True):
    """One reason to refuse. `index` is the task's place in the plan, None for the plan as a whole."""

    kind: ProblemKind
    task: str = ""
    field: str = ""
    text: str
    way_out: str = ""
    index: int | None = None


def problems(specs: Sequence[TaskSpec], known: Collection[str] = ()) -> list[Problem]:
    """Everything wrong with these tasks as a graph; empty when they can be added to a run that has `known`."""
    if not specs:
        return [Problem(kind="empty", field="task", text="a plan without tasks", way_out="give at least one [[task]]")]
    if len(specs) > MOST_TASKS:
        text = f"{len(specs)} tasks are too many; the most is {MOST_TASKS}"
        return [Problem(kind="too_many", field="task", text=text)]
    found = [*_names(specs, known), *_dependencies(specs, known), *_paths(specs)]
    return found or list(_cycle(specs))


def is_id(text: str) -> bool:
    """Whether a text may name a task or an agent."""
    return len(text) <= LONGEST_ID and _ID.fullmatch(text) is not None


def _names(specs: Sequence[TaskSpec], known: Collection[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, spec in enumerate(specs):
        if not is_id(spec.id):
            text = f'"{spec.id[:LONGEST_ID]}" is no id; write a-z, 0-9 and "-", at most {LONGEST_ID}'
            yield Problem(kind="id", task=spec.id, field="id", text=text, index=index)
        elif spec.id in seen:
            yield Problem(kind="duplicate", task=spec.id, field="id", text="given to two tasks", index=index)
        elif spec.id in known:
            yield Problem(kind="duplicate", task=spec.id, field="id", text="the run has this task already", index=index)
        seen.add(spec.id)


def _dependencies(specs: Sequence[TaskSpec], known: Collection[str]) -> Iterator[Problem]:
    ids = {spec.id for spec in specs}
    for index, spec in enumerate(specs):
        for name in spec.after:
            if name not in ids and name not in known:
                text = f'there is no task "{name}"'
                yield Problem(kind="unknown", task=spec.id, field="after", text=text, index=index)


def _paths(specs: Sequence[TaskSpec]) -> Iterator[Problem]:
    for index, spec in enumerate(specs):
        for path in spec.touches:
            if not is_inside(path):
                text = f'"{path}" is not inside the repository; write a path relative to its root, without ".."'
                yield Problem(kind="path", task=spec.id, field="touches", text=text, index=index)


def is_inside(path: str) -> bool:
    """Whether a declared path stays in the repository, as far as its words say."""
    pure = PurePosixPath(path)
    return bool(path.strip()) and "\0" not in path and not pure.is_absolute() and ".." not in pure.parts


def _cycle(specs: Sequence[TaskSpec]) -> Iterator[Problem]:
    """The first cycle, told from the task of it that stands first in the plan. Ids are unique and known here."""
    place = {spec.id: index for index, spec in enumerate(specs)}
    graph = {spec.id: [name for name in spec.after if name in place] for spec in specs}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1][:0:-1]  # graphlib tells it from the dependency, and the first one twice
        start = ring.index(min(ring, key=place.__getitem__))
        ring = [*ring[start:], *ring[:start]]
        text = f"cycle: {' -> '.join([*ring, ring[0]])} (each waits for the next)"
        way_out = "take one of these dependencies out"
        index = place[ring[0]]
        yield Problem(kind="cycle", task=ring[0], field="after", text=text, way_out=way_out, index=index)


def beyond_a_planner(specs: Sequence[TaskSpec], pattern: str, *, review: bool) -> list[Problem]:
    """What an agent's plan may not say: that its tasks go without the review which the run would ask for.

    The rest of it only adds: lines of `accept` come besides the gate, a risk is low unless said, and a pin names one of
    the crew as it is.
    """
    text = "a planner can not take its review away; leave `review` out, or let a person write the plan"
    return [
        Problem(kind="review", task=spec.id, field="review", text=text, index=index)
        for index, spec in enumerate(specs)
        if spec.review is False and reviewed(replace(spec, review=None), pattern, review=review)
    ]


# -- the crew ------------------------------------------------------------------------------------------------------


def missing_capabilities(
    crew: Sequence[AgentSpec], specs: Sequence[TaskSpec], pattern: str, *, review: bool
) -> list[Problem]:
    """Every stage that nobody of the crew could take. `review` is the run's setting; a task's own goes before it.

    Without tasks it asks for a planner, or for somebody who implements where the pattern does not plan. An empty list
    promises that each stage has somebody, not that he is free.
    """
    if not crew:
        way_out = "add an [agents.NAME] section to quarterdeck.toml"
        return [Problem(kind="agent", text="no agent is configured", way_out=way_out)]
    if specs:
        return [
            problem
            for index, spec in enumerate(specs)
            for problem in _lacking(crew, spec, index, reviewed=reviewed(spec, pattern, review=review))
        ]
    if pattern not in PLANNING:
        return list(_lacking(crew, TaskSpec(id="goal", title=""), None, reviewed=False))
    return list(_unplanned(crew, review=review))


def reviewed(spec: TaskSpec, pattern: str, *, review: bool) -> bool:
    """Whether a task's work is to be reviewed: its own word, then the run's setting and the pattern."""
    return spec.review if spec.review is not None else review and pattern in REVIEWING


def _unplanned(crew: Sequence[AgentSpec], *, review: bool) -> Iterator[Problem]:
    if not _able(crew, ("plan",)):
        way_out = 'give a plan (--plan FILE), an agent that does "plan", or --pattern solo'
        yield Problem(kind="capability", text='nobody does "plan", and no plan was given', way_out=way_out)
    if review and not _reviewer_besides(crew, crew):
        yield _no_reviewer("", None)


def _lacking(crew: Sequence[AgentSpec], spec: TaskSpec, index: int | None, *, reviewed: bool) -> Iterator[Problem]:
    candidates = crew
    if spec.agent is not None:
        candidates = [agent for agent in crew if spec.agent in (agent.name, agent.pool)]
        if not candidates:
            text = f'there is no agent "{spec.agent}"'
            yield Problem(kind="agent", task=spec.id, field="agent", text=text, index=index)
            return
    wanted = (spec.kind, *spec.needs)
    authors = _able(candidates, wanted)
    if not authors:
        yield _nobody(candidates, spec, wanted, index)
    elif reviewed and not _reviewer_besides(crew, authors):
        yield _no_reviewer(spec.id, index)


def _able(crew: Iterable[AgentSpec], wanted: Collection[str]) -> list[AgentSpec]:
    return [agent for agent in crew if set(wanted) <= set(agent.does)]


def _nobody(candidates: Sequence[AgentSpec], spec: TaskSpec, wanted: Sequence[str], index: int | None) -> Problem:
    alone = [name for name in wanted if not _able(candidates, (name,))]
    words = " and ".join(f'"{name}"' for name in (alone or wanted))
    who = f'agent "{spec.agent}" does not do' if spec.agent else "nobody does"
    together = "" if alone else " together"
    field = "kind" if not alone or spec.kind in alone else "needs"
    way_out = f"add {words} to the `does` of an agent" if not spec.agent else "pin another agent, or none"
    text = f"{who} {words}{together}"
    return Problem(kind="capability", task=spec.id, field=field, text=text, way_out=way_out, index=index)


def _reviewer_besides(crew: Sequence[AgentSpec], authors: Sequence[AgentSpec]) -> bool:
    """Whether some author's work could be reviewed by another instance."""
    reviewers = {agent.name for agent in _able(crew, ("review",))}
    return any(reviewers - {author.name} for author in authors)


def _no_reviewer(task: str, index: int | None) -> Problem:
    text = 'nobody but the author does "review"'
    way_out = "add an agent that does it, or write `review = false` under [project]"
    return Problem(kind="capability", task=task, field="review", text=text, way_out=way_out, index=index)
