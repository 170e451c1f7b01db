"""What follows from a report about an agent, its messages and what was kept of it: facts, and a step taken back."""

from __future__ import annotations

from engine.core import commands as c
from engine.core import events as e
from engine.core.drafts import Draft, of
from engine.core.lookup import stirred
from engine.core.state import ROOT, State

Drafts = list[Draft]


def froze(state: State, report: c.Froze) -> Drafts:
    """An agent stands still; said once a pause."""
    agent = state.agents.get(report.agent)
    if agent is None or agent.pause != "asked":
        return []
    return [Draft(data=e.AgentPaused(processes=report.processes), agent=report.agent)]


def _taken_back(state: State, name: str, reason: str) -> Drafts:
    run, agent = state.run, state.agents.get(name)
    if run is None or agent is None or agent.stage not in run.stages:
        return []
    stage = run.stages[agent.stage]
    lost = e.StageInterrupted(stage=stage.id, lease=stage.lease, reason=reason, counted=False)
    return [*stirred(run, f"{name} was {reason}"), of(stage, lost)]


def ended(state: State, report: c.Ended) -> Drafts:
    """A stopped agent is gone; its step is taken back."""
    if report.agent not in state.agents:
        return []
    stopped = e.AgentStopped(proof=report.proof, processes=report.processes)
    return [*_taken_back(state, report.agent, "stopped by a person"), Draft(data=stopped, agent=report.agent)]


def killed(state: State, report: c.Killed) -> Drafts:
    """A kill was carried out, with or without success."""
    agent = state.agents.get(report.agent)
    if agent is None:
        return []
    held = [] if agent.held == "kill" else [Draft(data=e.AgentHeld(how="kill"), agent=report.agent)]
    fact = e.AgentKilled(
        gone=report.gone,
        proof=report.proof,
        processes=report.processes,
        ms=report.ms,
        snapshot=report.snapshot,
        keeping=report.keeping,
    )
    taken = _taken_back(state, report.agent, "killed by a person") if report.gone else []
    return [*held, *taken, Draft(data=fact, agent=report.agent)]


def put_aside(state: State, report: c.PutAside) -> Drafts:
    """Work is kept; of another run it is nobody's."""
    kept = e.WorkKept(
        ref=report.ref,
        commit=report.commit,
        why=report.why,
        files=report.files,
        added=report.added,
        removed=report.removed,
        size=report.size,
        left=report.left,
        lost=report.lost,
        ignored=report.ignored,
    )
    run = state.run
    known = run is not None and run.id == report.run and report.task in {*run.tasks, ROOT}
    task, attempt = (report.task, report.attempt) if known else ("", 0)
    return [Draft(data=kept, task=task, attempt=attempt, agent=report.agent)]


def dropped(_: State, report: c.Dropped) -> Drafts:
    """Kept work is kept no more."""
    return [Draft(data=e.WorkDropped(refs=report.refs, size=report.size))]


def steered(_: State, report: c.Steered) -> Drafts:
    """An agent was told something."""
    return [Draft(data=e.AgentSteered(text=report.text, delivered=report.delivered), agent=report.agent)]


def took(state: State, report: c.Took) -> Drafts:
    """A draft is delivered, and what it answers has been acted on."""
    if report.id in state.messages:
        return []
    fact = e.MessageAccepted(
        id=report.id,
        sender=report.sender,
        to=report.to,
        kind=report.kind,
        payload=report.payload,
        correlation=report.correlation,
    )
    accepted = Draft(data=fact, agent=report.sender, actor=report.sender)
    return [accepted, *_acted_on(state, report.correlation)]


def _acted_on(state: State, answered: str) -> Drafts:
    """A message that another one answers has been acted on."""
    if state.messages.get(answered) not in {"accepted", "seen"}:
        return []
    return [Draft(data=e.MessageDelivered(id=answered, state="acted"))]


def turned_away(_: State, report: c.TurnedAway) -> Drafts:
    """A draft was not valid."""
    fact = e.MessageRefused(sender=report.sender, file=report.file, reason=report.reason)
    return [Draft(data=fact, agent=report.sender)]


def read(state: State, report: c.Read) -> Drafts:
    """A message was seen or acted on."""
    if state.messages.get(report.id) in {None, "acted", report.state}:
        return []
    return [Draft(data=e.MessageDelivered(id=report.id, state=report.state))]


def barred(state: State, report: c.Barred) -> Drafts:
    """An agent asked for a host that it may not reach."""
    fact = e.NetworkRefused(host=report.host, port=report.port, why=report.why)
    run, agent = state.run, state.agents.get(report.agent)
    stage = run.stages.get(agent.stage) if run is not None and agent is not None else None
    return [Draft(data=fact, agent=report.agent) if stage is None else of(stage, fact, agent=report.agent)]


def noticed(_: State, report: c.Noticed) -> Drafts:
    """Something a person should know."""
    return [Draft(data=e.NoticeGiven(text=report.text))]
