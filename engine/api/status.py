"""What `status --json` prints, computed from the state: each thing with its state, what that rests on, and its age.

Pure. It claims no more than the facts hold: without a live engine nothing is said to be at work, since agents end with
their engine. Every `since` is seconds since the epoch, every `age` seconds; `evidence` is a sentence for people, and
`event` the seq it rests on; `version` is what a request may name so as not to act on something that has changed.
"""

from __future__ import annotations

from typing import Any

from engine.api.task_status import task_status
from engine.core.budgets import limit
from engine.core.requests import waiting_approvals
from engine.core.state import Agent, Approval, Run, Stage, State
from engine.core.values import Tokens

UNCONFINED = "unconfined"


def status(state: State, *, now: float, engine: dict[str, Any] | None) -> dict[str, Any]:
    """The whole answer, as plain values.

    `engine` is what the living engine says of itself (`pid`, `version`), None when there is none.
    """
    run, live = state.run, engine is not None
    tasks = [] if run is None else [task_status(run, task, now=now, live=live) for task in run.tasks.values()]
    approvals = [] if run is None else [_approval(approval, now) for approval in waiting_approvals(run)]
    return {
        "run": None if run is None else _run(run, state, now, live=live),
        "agents": [_agent(state, agent, now, live=live) for agent in state.agents.values()],
        "tasks": tasks,
        "approvals": approvals,
        "bus": {"state": "off"},
        "engine": None if engine is None else {**engine, "seq": state.seq},
    }


def usage(tokens: Tokens) -> dict[str, int]:
    """Tokens, split as vendors price them."""
    return {
        "input": tokens.input,
        "output": tokens.output,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
    }


def _budget(holder: Run | Agent) -> dict[str, Any]:
    line = limit(holder)
    return {"usd": line.usd, "tokens": line.tokens}


def _run(run: Run, state: State, now: float, *, live: bool) -> dict[str, Any]:
    dead = run.outcome is None and not live
    since = (run.ended if run.outcome else run.started) if not dead else state.at
    return {
        "id": run.id,
        "goal": run.goal,
        "pattern": run.pattern,
        "state": "interrupted" if dead else run.outcome or "running",
        "target": run.target,
        "tokens": usage(run.tokens),
        "usd": run.usd,
        "budget": _budget(run),
        "reason": "its engine ended; `quarterdeck run --resume` goes on" if dead else run.reason,
        "base": run.base,
        "started": run.started,
        "since": since,
        "age": _age(now, since),
        "version": run.version,
    }


def _agent(state: State, agent: Agent, now: float, *, live: bool) -> dict[str, Any]:
    spec = agent.spec
    stage = state.run.stages.get(agent.stage) if state.run is not None else None
    word, evidence = _agent_state(state, agent, stage if live else None, live=live)
    return {
        "name": spec.name,
        "runtime": spec.runtime,
        "state": word,
        "task": stage.task if stage is not None else None,
        "tier": spec.tier,
        "confinement": state.confinement or UNCONFINED,
        "pid": stage.pid or None if stage is not None and live else None,
        "tokens": usage(agent.tokens),
        "usd": agent.usd,
        "budget": _budget(agent),
        "since": agent.since,
        "age": _age(now, agent.since),
        "evidence": evidence,
        "event": agent.seq,
        "held": agent.held or None,
        "stage": agent.stage or None,
        "version": agent.version,
    }


def _agent_state(state: State, agent: Agent, stage: Stage | None, *, live: bool) -> tuple[str, str]:
    """Its state and what that rests on."""
    if agent.held:
        return _held(agent, live=live)
    if agent.stage and not live:
        return "stopped", "its engine is gone, and what it ran ends with it"
    if agent.pause == "frozen":
        return "paused", "its processes are frozen"
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
    return "working", f"{stage.kind} of {stage.task}: its program runs as process {stage.pid}{asked}"


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


def _approval(approval: Approval, now: float) -> dict[str, Any]:
    return {
        "id": approval.stage,
        "task": approval.task,
        "what": approval.what,
        "about": approval.about,
        "since": approval.at,
        "age": _age(now, approval.at),
    }


def _age(now: float, since: float) -> float:
    return round(max(0.0, now - since), 3)
