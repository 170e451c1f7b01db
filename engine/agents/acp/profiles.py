"""What is peculiar to each agent that speaks the protocol: data, and small pure functions of what it says.

Which one it is, is told by the program that a crew's `command` names; one that is not known here gets no quirk at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from engine.agents import setups
from engine.agents.acp.words import Reply
from engine.agents.base import Scope
from engine.agents.profiles import Profile
from engine.core.values import Tokens

MOST_TOKENS: Final = 10**15
Told = tuple[Tokens | None, Scope]


def _sum_of_the_turn(reply: Reply) -> Told:
    """The protocol's own field, as it is meant."""
    return reply.tokens, "turn"


def _last_call(reply: Reply) -> Told:
    """The protocol's own field; it holds only what the last request of the turn used."""
    return reply.tokens, "call"


def _quota(reply: Reply) -> Told:
    """Beyond the protocol: `_meta.quota.token_count`."""
    count = _at(reply.meta, "quota", "token_count")
    tokens = count if isinstance(count, Mapping) else {}
    told = {name: tokens.get(f"{name}_tokens") for name in ("input", "output")}
    known = {name: value for name, value in told.items() if type(value) is int and 0 <= value <= MOST_TOKENS}
    return Tokens(**known) if known else None, "turn"


def _no_trouble(_: Mapping[str, Any]) -> str:
    return ""


def _codex_trouble(meta: Mapping[str, Any]) -> str:
    """An error that ends the turn as if all were well, unless it says that it tries again."""
    error = _at(meta, "codex", "error")
    if not isinstance(error, Mapping) or error.get("willRetry"):
        return ""
    return str(error.get("message") or error)


def _at(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class AcpProfile(Profile):
    """One agent.

    `mode` is the mode in which it asks for leave, "" for the one it begins in. `login` is the way of logging in that it
    is told where it wants one. `steers`: how a text gets into a running turn: by another prompt ("prompt"), by a
    request of its own (the name of that), or not at all. `leaves`: its session is to be closed, or what it started for
    it outlives it. `usage` reads a turn's end, `trouble` finds an error in what is said beyond the protocol.
    """

    mode: str = ""
    login: str = ""
    steers: str = ""
    leaves: bool = False
    usage: Callable[[Reply], Told] = _sum_of_the_turn
    trouble: Callable[[Mapping[str, Any]], str] = _no_trouble


ANY: Final = AcpProfile(name="acp", title="an agent of the Agent Client Protocol", program=())

KNOWN: Final[Mapping[str, AcpProfile]] = {
    "claude-agent-acp": AcpProfile(
        name="acp",
        title="Claude Code, by claude-agent-acp",
        program=("claude-agent-acp",),
        kind="anthropic",
        environment=setups.claude_environment,
        mode="default",
        steers="prompt",
        leaves=True,
    ),
    "codex-acp": AcpProfile(
        name="acp",
        title="Codex, by codex-acp",
        program=("codex-acp",),
        kind="openai",
        mode="workspace-write",
        steers="_session/steering",
        trouble=_codex_trouble,
    ),
    "gemini": AcpProfile(
        name="acp",
        title="Gemini CLI",
        program=("gemini", "--acp"),
        kind="gemini",
        arguments=setups.gemini_model,
        environment=setups.gemini_environment,
        home=setups.gemini_home,
        mode="default",
        login="gemini-api-key",
        usage=_quota,
    ),
    "opencode": AcpProfile(
        name="acp",
        title="opencode",
        program=("opencode", "acp"),
        kind="openai",
        environment=setups.opencode_environment,
        usage=_last_call,
    ),
    "qwen": AcpProfile(
        name="acp",
        title="Qwen Code",
        program=("qwen", "--acp"),
        kind="openai",
        environment=setups.qwen_environment,
        home=setups.qwen_home,
        mode="default",
        login="openai",
    ),
}
"""By the name of the program."""


def profile_of(command: Sequence[str]) -> AcpProfile:
    """The profile of the program that a command starts, be it by its path or through an interpreter."""
    for word in command[:2]:
        if profile := KNOWN.get(PurePath(word).name):
            return profile
    return ANY
