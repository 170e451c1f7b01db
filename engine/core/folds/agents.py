"""Agents: paused, held, ended; and what was kept of their work."""

from __future__ import annotations

from engine.core import events as e
from engine.core.folds.registry import Folds, the_run
from engine.core.state import Agent, State

AGENTS = Folds()


def _agent(state: State, event: e.Event) -> Agent:
    agent = state.agents[event.agent]
    agent.since, agent.seq = event.at, event.seq
    return agent


@AGENTS.on(e.AgentPauseAsked)
def _pause_asked(state: State, event: e.Event, data: e.AgentPauseAsked) -> None:
    agent = _agent(state, event)
    agent.pause = agent.pause or "asked"
    agent.paused_for, agent.until, agent.reason = data.why, data.until, data.reason
    agent.scope, agent.needed = data.scope, data.needed


def _thaw(agent: Agent) -> None:
    agent.pause, agent.paused_for, agent.until, agent.reason = "", "", 0.0, ""
    agent.scope, agent.needed = "", None


@AGENTS.on(e.AgentPaused)
def _paused(state: State, event: e.Event, _: e.AgentPaused) -> None:
    _agent(state, event).pause = "frozen"


@AGENTS.on(e.AgentResumed)
def _resumed(state: State, event: e.Event, _: e.AgentResumed) -> None:
    agent = _agent(state, event)
    _thaw(agent)
    agent.held, agent.ending, agent.proof = "", False, ""
    agent.limited = None


@AGENTS.on(e.LimitReached)
def _limit_reached(state: State, event: e.Event, data: e.LimitReached) -> None:
    agent = state.agents.get(event.agent)
    if agent is not None:  # a check is nobody's
        agent.limited = data.limit


@AGENTS.on(e.AgentHeld)
def _held(state: State, event: e.Event, data: e.AgentHeld) -> None:
    agent = _agent(state, event)
    _thaw(agent)
    agent.held = data.how
    agent.ending = data.how == "stop"


@AGENTS.on(e.AgentStopped)
def _stopped(state: State, event: e.Event, data: e.AgentStopped) -> None:
    agent = _agent(state, event)
    agent.proof, agent.gone, agent.ending = data.proof, True, False


@AGENTS.on(e.AgentKilled)
def _killed(state: State, event: e.Event, data: e.AgentKilled) -> None:
    agent = _agent(state, event)
    agent.proof, agent.gone, agent.ending = data.proof, data.gone, False


@AGENTS.on(e.WorkKept)
def _work_kept(state: State, _: e.Event, data: e.WorkKept) -> None:
    if data.ref not in state.kept:
        state.kept.append(data.ref)


@AGENTS.on(e.WorkDropped)
def _work_dropped(state: State, event: e.Event, data: e.WorkDropped) -> None:
    state.kept = [ref for ref in state.kept if ref not in data.refs]
    state.dropped, state.dropped_at = state.dropped + len(data.refs), event.at


@AGENTS.on(e.WorkBroughtBack)
def _brought_back(state: State, event: e.Event, data: e.WorkBroughtBack) -> None:
    if data.carried:
        the_run(state).task(event.task).brought = data.commit
