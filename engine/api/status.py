"""What `status --json` prints, computed from the state: each thing with its state, what that rests on, and its age.

Pure; the words are chosen in `engine.core.standing`, which claims no more than the facts hold. Every `since` is seconds
since the epoch, every `age` seconds; `evidence` is a sentence for people, and `event` the seq it rests on; `version` is
what a request may name so as not to act on something that has changed.
"""

from __future__ import annotations

from typing import Any

from engine.api.sums import amount, usage
from engine.api.task_status import task_status
from engine.core.approvals import held_files, waiting_approvals
from engine.core.budgets import limit, of_day
from engine.core.confinement import UNCONFINED, level
from engine.core.leave import memorable
from engine.core.standing import of_agent, of_run
from engine.core.state import Agent, Approval, Asked, Provider, Run, State


def status(state: State, *, now: float, engine: dict[str, Any] | None) -> dict[str, Any]:
    """The whole answer, as plain values.

    `engine` is what the living engine says of itself (`pid`, `version`), None when there is none.
    """
    run, live = state.run, engine is not None
    tasks = [] if run is None else [task_status(state, run, task, now=now, live=live) for task in run.tasks.values()]
    approvals = [] if run is None else [_approval(run, approval, now) for approval in waiting_approvals(run)]
    return {
        "run": None if run is None else _run(run, state, now, live=live),
        "agents": [_agent(state, agent, now, live=live) for agent in state.agents.values()],
        "tasks": tasks,
        "approvals": approvals,
        "confinement": _confinement(state),
        "providers": [_provider(name, found, now) for name, found in state.providers.items() if _lasts(found, now)],
        "rules": [
            {"pool": pool, "signature": signature, "allow": allow}
            for pool, rules in state.rules.items()
            for signature, allow in rules.items()
        ],
        "bus": {"state": "off"},
        "engine": None if engine is None else {**engine, "seq": state.seq},
    }


def _confinement(state: State) -> dict[str, Any]:
    """What is in force for whatever runs here: its label, how strong that is, what it is known not to hold."""
    label = state.confinement or UNCONFINED
    return {"label": label, "level": level(label), "holes": list(state.holes)}


def _lasts(found: Provider, now: float) -> bool:
    """A limit is over when its time is; a breaker says itself when it is closed."""
    return found.what != "limited" or not found.until or found.until > now


def _provider(name: str, found: Provider, now: float) -> dict[str, Any]:
    """What is the matter with a provider's model; `until` is None where it is not known."""
    provider, _, model = name.partition("/")
    return {
        "provider": provider,
        "model": model,
        "what": found.what,
        "why": found.why,
        "until": found.until or None,
        "to": found.to or None,
        "since": found.at,
        "age": _age(now, found.at),
    }


def _budget(holder: Run | Agent) -> dict[str, Any]:
    return amount(limit(holder))


def _run(run: Run, state: State, now: float, *, live: bool) -> dict[str, Any]:
    stands = of_run(state, run, live=live)
    return {
        "id": run.id,
        "goal": run.goal,
        "pattern": run.pattern,
        "state": stands.word,
        "target": run.target,
        "tokens": usage(run.tokens),
        "usd": run.usd,
        "budget": _budget(run),
        "saved": {"tokens": usage(run.saved), "usd": run.saved_usd},
        "day": {"used": amount(of_day(state, run, now).used), "budget": amount(of_day(state, run, now).limit)},
        "reason": stands.reason,
        "base": run.base,
        "started": run.started,
        "since": stands.since,
        "age": _age(now, stands.since),
        "version": run.version,
    }


def _agent(state: State, agent: Agent, now: float, *, live: bool) -> dict[str, Any]:
    spec = agent.spec
    stands = of_agent(state, agent, live=live)
    return {
        "name": spec.name,
        "runtime": spec.runtime,
        "state": stands.word,
        "task": stands.stage.task if stands.stage is not None else None,
        "tier": spec.tier,
        "confinement": state.confinement or UNCONFINED,
        "pid": stands.pid or None,
        "tokens": usage(agent.tokens),
        "usd": agent.usd,
        "budget": _budget(agent),
        "told": {"tokens": usage(agent.told), "usd": agent.told_usd},
        "waits": (agent.waits or None) if live else None,
        "until": agent.until or None,
        "session": agent.sessions.get(stands.stage.task) if stands.stage is not None else None,
        "model": agent.model_used or agent.spec.model or None,
        "since": stands.since,
        "age": _age(now, stands.since),
        "evidence": stands.evidence,
        "event": stands.event,
        "held": agent.held or None,
        "stage": agent.stage or None,
        "version": agent.version,
    }


def _approval(run: Run, approval: Approval, now: float) -> dict[str, Any]:
    return {
        "id": approval.stage,
        "task": approval.task,
        "what": approval.what,
        "about": approval.about,
        "files": [{"path": file.path, "why": file.why} for file in held_files(run, approval)],
        "leave": _leave(run.asked.get(approval.stage)),
        "since": approval.at,
        "age": _age(now, approval.at),
    }


def _leave(asked: Asked | None) -> dict[str, Any] | None:
    """What an agent wants leave for, where it does; `always`: an answer may be given once and for all."""
    if asked is None:
        return None
    return {
        "agent": asked.agent,
        "tool": asked.tool,
        "title": asked.title,
        "command": asked.command or None,
        "paths": list(asked.paths),
        "why": asked.reason or None,
        "level": asked.level,
        "always": memorable(asked),
    }


def _age(now: float, since: float) -> float:
    return round(max(0.0, now - since), 3)
