"""What the facts let one say of an agent, a task, the run: a word, the sentence it rests on, since when.

Pure, and the only place where these words are chosen: whoever shows them says the same. Nothing is claimed that the
facts do not hold. `live`: an engine is there, so what is assigned is at work; without one nothing is.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.core.approvals import trouble
from engine.core.evidence import Grade, grade, required
from engine.core.leave import name_of, wish
from engine.core.limits import reached
from engine.core.routing import able
from engine.core.stages import AGENT_KINDS
from engine.core.state import Agent, Round, Run, Stage, State, Task
from engine.core.waiting import short_of

NAMED = 3
"""Agents that a sentence names before it counts."""
_UNDER_WAY = {"merge": "merging", "check": "checking", "review": "reviewing", "work": "running"}
"""The state of a task while a step of this kind is under way; of several, the first counts."""


_FOR = {
    "budget": ", which waits for budget",
    "permission": ", which waits for leave",
    "provider": ", which waits for its provider",
}


class OfRun(NamedTuple):
    """The run: a word, why, and since when (seconds since the epoch)."""

    word: str
    reason: str
    since: float


class OfAgent(NamedTuple):
    """An agent. `stage` is the step it holds; `pid` is 0 unless its program is known to run; `event` is a seq."""

    word: str
    evidence: str
    since: float
    event: int
    stage: Stage | None
    pid: int


class OfTask(NamedTuple):
    """A task. `agent` has it, wrote its latest round or is meant to; `graded` says how far its claim is believed."""

    word: str
    evidence: str
    since: float
    event: int
    agent: str
    graded: Grade
    commit: str


# -- the run -------------------------------------------------------------------------------------------------------


def of_run(state: State, run: Run, *, live: bool) -> OfRun:
    """Under way, at rest, over; or cut off, when its engine is gone."""
    if run.outcome is None and not live:
        return OfRun("interrupted", "its engine ended; `quarterdeck run --resume` goes on", state.at)
    return OfRun(run.outcome or "running", run.reason, run.ended if run.outcome else run.started)


# -- agents --------------------------------------------------------------------------------------------------------


def of_agent(state: State, agent: Agent, *, live: bool) -> OfAgent:
    """What an agent does."""
    stage = state.run.stages.get(agent.stage) if state.run is not None else None
    word, evidence = _agent_state(state, agent, stage if live else None, live=live)
    pid = stage.pid if stage is not None and live else 0
    return OfAgent(word, evidence, agent.since, agent.seq, stage, pid)


def _agent_state(state: State, agent: Agent, stage: Stage | None, *, live: bool) -> tuple[str, str]:
    if agent.held:
        return _held(agent, live=live)
    if agent.stage and not live:
        return "stopped", "its engine is gone, and what it ran ends with it"
    if agent.paused_for:
        return _waits(state, agent)
    if agent.pause == "frozen":
        return "paused", f"its processes are frozen{_limited(agent)}"
    if agent.asking and stage is not None:
        return "waiting", _asks(state, agent)
    if stage is not None:
        return _at_work(agent, stage)
    if agent.pause:
        return "paused", "a person asked; nothing of it runs"
    if agent.spent_out:
        return "waiting", "its budget is used up"
    crash = _crash(state, agent)
    return ("failed", crash) if crash else ("idle", "it has nothing to do")


def _at_work(agent: Agent, stage: Stage) -> tuple[str, str]:
    asked = "; asked to pause" if agent.pause else ""
    if not stage.pid:
        return "starting", f"{stage.kind} of {stage.task} is assigned to it, its program has not begun{asked}"
    return "working", f"{stage.kind} of {stage.task}: its program runs as process {stage.pid}{asked}{_limited(agent)}"


def _waits(state: State, agent: Agent) -> tuple[str, str]:
    """Frozen, but by nobody's wish: for want of budget until a person raises it, for a provider until it takes more."""
    if agent.paused_for == "budget":
        return "paused", f"{short_of(state, agent)}; what it asked for is kept"
    until = f" until {_hour(agent.until)} UTC" if agent.until else ""
    return "waiting", f"its provider takes nothing{until}: {agent.reason}"


def _asks(state: State, agent: Agent) -> str:
    """What it wants leave for; of several the first."""
    asked = state.run.asked[agent.asking[0]] if state.run is not None else None
    more = f", and for {len(agent.asking) - 1} more" if len(agent.asking) > 1 else ""
    return f"{wish(asked)}{more} (`quarterdeck approve {name_of(asked)}`, or deny)" if asked is not None else ""


def _hour(at: float) -> str:
    minutes = int(at) // 60 % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _limited(agent: Agent) -> str:
    return f"; {reached(agent.limited)}" if agent.limited is not None else ""


def _held(agent: Agent, *, live: bool) -> tuple[str, str]:
    if agent.ending and live:
        return ("killing" if agent.held == "kill" else "stopping"), f"a person asked for its {agent.held}"
    if agent.held == "kill" and not agent.gone and agent.proof:
        return "unkillable", agent.proof
    return "stopped", agent.proof or f"held by a person's {agent.held}; nothing of it runs"


def _crash(state: State, agent: Agent) -> str:
    """Why its latest work ended in a crash or timeout of its own; empty when it did not."""
    tasks = state.run.tasks.values() if state.run is not None else ()
    mine = [task for task in tasks if task.round is not None and task.round.author == agent.spec.name]
    latest = max(mine, key=lambda task: task.last, default=None)
    round_ = latest.round if latest is not None else None
    if latest is None or round_ is None or round_.blame != "agent":
        return ""
    return f"round {round_.number} of {latest.spec.id}: {round_.failure}"


# -- tasks ---------------------------------------------------------------------------------------------------------


def of_task(state: State, run: Run, task: Task, *, live: bool) -> OfTask:
    """Where a task of the state's run is, and how far what is said of it is proven."""
    graded = grade(run, task)
    word, stage = _task_state(run, task, live=live)
    return OfTask(
        word=word,
        evidence=_evidence(state, run, task, graded, stage),
        since=(stage.since if stage is not None else task.at) or run.started,
        event=task.last or task.added,
        agent=_whose(task, stage, live=live),
        graded=graded,
        commit=task.commit or (task.round.merged if task.round is not None else ""),
    )


def _task_state(run: Run, task: Task, *, live: bool) -> tuple[str, Stage | None]:
    """Its state, and the open step that it comes from."""
    if task.outcome is not None:
        return task.outcome, None
    stages = [run.stages[name] for name in task.open]
    waits = next((stage for stage in stages if stage.kind == "ask" or stage.obstacle), None)
    if waits is not None:
        return "needs_human", waits
    under_way = {stage.kind: stage for stage in stages if stage.agent and live}
    for kind, word in _UNDER_WAY.items():
        if kind in under_way:
            return word, under_way[kind]
    first = stages[0] if stages else None
    if first is None or first.kind == "wait":
        return "waiting", first
    return ("ready" if first.kind == "work" else "claimed"), first


def _whose(task: Task, stage: Stage | None, *, live: bool) -> str:
    if live and stage is not None and stage.agent not in {"", "engine"}:
        return stage.agent
    return (task.round.author if task.round is not None else "") or task.pin or task.spec.agent or ""


def _evidence(state: State, run: Run, task: Task, graded: Grade, stage: Stage | None) -> str:
    """What its state rests on, in a sentence."""
    if stage is not None and (stage.why or stage.obstacle):
        return stage.obstacle or stage.why
    if task.round is not None and graded:
        return _graded(run, task, task.round, graded)
    if task.outcome is not None:
        return task.reason
    if task.unmet:
        return f"waits for {', '.join(task.unmet)}"
    if stage is not None and stage.kind == "wait":
        return f"tried again after {stage.due:g} s"
    if stage is None:
        return "waits for the check of the base"
    return _holder(state, stage) if stage.agent else _whom_it_waits_for(state, run, stage)


def _holder(state: State, stage: Stage) -> str:
    agent = state.agents.get(stage.agent)
    waits = _FOR.get(agent.waits, "") if agent is not None and agent.stage == stage.id else ""
    return f"held by {stage.agent}{waits}"


def _whom_it_waits_for(state: State, run: Run, stage: Stage) -> str:
    """An agent that is only busy comes by itself; where all who could take the step need a person, it says why."""
    kept = {agent.spec.name: _kept_from_it(agent) for agent in able(state.agents.values(), run, stage)}
    if stage.kind not in AGENT_KINDS or not kept or not all(kept.values()):
        return "waits for a free agent"
    told = [f"{name}, which is {why}" for name, why in kept.items()]
    more = f", or {len(told) - NAMED} more" if len(told) > NAMED else ""
    return f"waits for {', or '.join(told[:NAMED])}{more}"


def _kept_from_it(agent: Agent) -> str:
    """What only a person can change about an agent that takes nothing; empty where there is no such thing."""
    if agent.held:
        return "held"
    if agent.pause and not agent.paused_for:
        return "paused"
    return "out of budget" if agent.spent_out else ""


def _graded(run: Run, task: Task, round_: Round, graded: Grade) -> str:
    if graded == "verified":
        commands = ", ".join(f"`{command}`" for command in required(run, task))
        return f"{commands} passed on tree {round_.merged_tree[:12]}, which is what was merged"
    if graded == "refuted":
        return trouble(task, round_)
    if graded == "stale":
        return trouble(task, round_) if round_.conflict else "what was merged is not what the checks passed on"
    return f"{round_.author} says so in round {round_.number}; {_so_far(task, round_)}"


def _so_far(task: Task, round_: Round) -> str:
    patch = round_.change.patch if round_.change is not None else ""
    approved = [review.agent for review in task.reviews if review.patch == patch and review.verdict == "approve"]
    said = ["its check passed" if round_.checked else "not checked yet"]
    return ", ".join(said + ([f"approved by {', '.join(approved)}"] if approved else []))
