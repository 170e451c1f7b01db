"""Leave for tools: what is asked, who answers, and what is remembered of the answer.

The policy answers at once where it gives leave; else an earlier answer does, where a person gave one: a rule, or the
same question in the same task (an agent that is started again asks again). What is left waits for a person. Of level
`review` nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from engine.core import commands as c
from engine.core import events as e
from engine.core.drafts import Draft, of
from engine.core.errors import Refused
from engine.core.permissions import EXECUTE, decide, level, signature
from engine.core.state import Agent, Asked, Run, Stage, State

Drafts = list[Draft]


def wish(asked: Asked) -> str:
    """What an agent wants, in words: as it says itself, so not harmless to look at."""
    if asked.command:
        what = f"run {asked.command}" if asked.tool == EXECUTE else f"{asked.tool} {asked.command}"
    elif asked.paths:
        what = f"{asked.tool} {', '.join(asked.paths)}"
    else:
        what = f"use a tool ({asked.tool}): {asked.title}" if asked.title else f"use a tool ({asked.tool})"
    return f"{asked.agent} wants to {what}"


def name_of(asked: Asked) -> str:
    """What a person may call it: the end of its id."""
    return asked.id.rpartition("/")[2]


def memorable(asked: Asked) -> bool:
    """May an answer be given once and for all?"""
    return asked.level != "review" and bool(asked.signature)


def asked_for(state: State, stage: Stage, report: c.AskedLeave) -> Drafts:
    """What follows from an agent's question, asked under the lease in force: the answer, if there is one already."""
    run, agent = state.run, state.agents.get(stage.agent)
    if run is None or agent is None or any(run.asked[name].ask == report.id for name in agent.asking):
        return []
    paths, command = tuple(map(_sound, report.paths)), _sound(report.command)
    asked = e.PermissionAsked(
        id=f"{stage.id}/leave.{state.seq + 1}",  # by the number of its own event, as leases are
        stage=stage.id,
        lease=stage.lease,
        ask=report.id,
        tool=report.tool,
        title=_sound(report.title),
        paths=paths,
        command=command,
        why=_sound(report.why),
        level=level(agent.spec.asks, report.tool, paths, command),
        signature=signature(report.tool, paths, command),
    )
    given = _known(state, run, agent, asked, stage.task)
    if given is None:
        return [of(stage, asked)]
    return [of(stage, replace(asked, known=True)), of(stage, given)]


def _sound(text: str) -> str:
    """Without halves of characters, which no record can hold."""
    return text.encode(errors="replace").decode()


def _known(state: State, run: Run, agent: Agent, asked: e.PermissionAsked, task: str) -> e.PermissionGiven | None:
    said = decide(agent.spec.asks, state.rules, _pool(agent), asked.tool, asked.paths, asked.command)
    if said == "auto":
        return _given(asked, allow=True, by="policy")
    if isinstance(said, bool):
        return _given(asked, allow=said, why="" if said else "a person has said so, once and for all", by="rule")
    same = _before(run, asked, task) if said == "confirm" else None
    return None if same is None else _given(asked, allow=bool(same.allow), why=same.why, by="rule")


def _before(run: Run, asked: e.PermissionAsked, task: str) -> Asked | None:
    """A person's last answer to the same in the same task."""
    same = [
        one
        for one in run.asked.values()
        if one.allow is not None and asked.signature and (one.task, one.signature) == (task, asked.signature)
    ]
    return same[-1] if same else None


def answered(state: State, run: Run, asked: Asked, request: c.Answer) -> Drafts:
    """A person's answer, the rule it makes, and what else is answered by that."""
    agent = state.agents[asked.agent]
    if request.always:
        _hold_good(asked)
    given = _given(asked, allow=request.granted, why=request.why, always=request.always)
    drafts = [_draft(run, asked, given)]
    if request.always:
        rule = e.RuleMade(pool=_pool(agent), signature=asked.signature, allow=request.granted)
        drafts.append(Draft(data=rule, agent=asked.agent))
    others = _like(state, run, asked, everywhere=request.always)
    drafts += [_draft(run, one, _given(one, allow=request.granted, why=request.why, by="rule")) for one in others]
    return drafts


def _hold_good(asked: Asked) -> None:
    if asked.level == "review":
        raise Refused("the crew's policy wants each of these seen (review); leave --always out", code="always")
    if not asked.signature:
        raise Refused("it names no command and no path to remember it by; leave --always out", code="always")


def _like(state: State, run: Run, asked: Asked, *, everywhere: bool) -> Iterator[Asked]:
    """Other open questions with the same answer: of the same task, or of all agents of the pool."""
    pool = _pool(state.agents[asked.agent])
    for other in run.asked.values():
        near = other.task == asked.task or (everywhere and _pool(state.agents[other.agent]) == pool)
        same = asked.signature and other.signature == asked.signature and other.level == "confirm"
        if other.allow is None and other.id != asked.id and same and near:
            yield other


def _pool(agent: Agent) -> str:
    return agent.spec.pool or agent.spec.name


def _draft(run: Run, asked: Asked, given: e.PermissionGiven) -> Draft:
    return of(run.stages[asked.stage], given, agent=asked.agent)


def _given(
    asked: Asked | e.PermissionAsked, *, allow: bool, why: str = "", by: str = "person", always: bool = False
) -> e.PermissionGiven:
    return e.PermissionGiven(
        id=asked.id,
        stage=asked.stage,
        lease=asked.lease,
        ask=asked.ask,
        allow=allow,
        why=why,
        by=by,  # type: ignore[arg-type]
        always=always,
    )
