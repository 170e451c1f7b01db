"""Which adapter a configured runtime is. A new kind of agent is a file of its own and a line here."""

from __future__ import annotations

from engine.agents.base import Adapter, UnknownRuntime
from engine.agents.command import CommandAdapter
from engine.agents.scripted import ScriptedAdapter

RUNTIMES: dict[str, type[Adapter]] = {"command": CommandAdapter, "scripted": ScriptedAdapter}


def adapter_for(agent: str, runtime: str) -> Adapter:
    """The adapter of an agent's `runtime`; `UnknownRuntime` when there is none."""
    if runtime not in RUNTIMES:
        raise UnknownRuntime(agent, runtime, tuple(RUNTIMES))
    return RUNTIMES[runtime]()
