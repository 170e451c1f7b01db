"""Which adapter a configured runtime is. A new kind of agent is a file of its own and a line here.

A module is imported when an agent of its kind is first started: nobody pays for an agent that is not used.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from engine.agents.base import Adapter, UnknownRuntime

RUNTIMES: dict[str, tuple[str, str]] = {
    "command": ("engine.agents.command", "CommandAdapter"),
    "scripted": ("engine.agents.scripted", "ScriptedAdapter"),
    "acp": ("engine.agents.acp.adapter", "AcpAdapter"),
    "gemini": ("engine.agents.jsonl.gemini", "gemini"),
    "opencode": ("engine.agents.jsonl.opencode", "opencode"),
    "pi": ("engine.agents.jsonl.pi", "pi"),
    "qwen": ("engine.agents.jsonl.qwen", "qwen"),
    "aider": ("engine.agents.aider", "aider"),
    "claude": ("engine.agents.claude.adapter", "claude"),
    "codex": ("engine.agents.codex.adapter", "codex"),
}
"""A runtime's module, and what makes its adapter when it is called."""


def adapter_for(agent: str, runtime: str) -> Adapter:
    """The adapter of an agent's `runtime`; `UnknownRuntime` when there is none."""
    if runtime not in RUNTIMES:
        raise UnknownRuntime(agent, runtime, tuple(RUNTIMES))
    module, name = RUNTIMES[runtime]
    return cast("Adapter", getattr(import_module(module), name)())
