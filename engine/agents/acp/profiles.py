"""What is peculiar to each agent that speaks the protocol: data, and small pure functions of what it says.

Which one it is, is told by the program that a crew's `command` names; one that is not known here gets no quirk at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

from engine.agents import setups
from engine.agents.acp.words import Reply
from engine.agents.base import Brief, Erred, Retries, Scope
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


def _its_own(_: Brief) -> str:
    return ""


def _default(_: Brief) -> str:
    return "default"


def _codex_mode(brief: Brief) -> str:
    """It asks for what its own sandbox would not let it do; in ours that sandbox can not be made, and it never asks."""
    return "workspace-write" if brief.home == Path("/") else "agent-full-access"


def _no_trouble(_: Mapping[str, Any]) -> None:
    return None


def _codex_trouble(meta: Mapping[str, Any]) -> Erred | Retries | None:
    """`_meta.codex.error`: a request that failed, and that it tries again if it says so."""
    error = _at(meta, "codex", "error")
    if not isinstance(error, Mapping):
        return None
    found = re.search(r"'httpStatusCode': ([45]\d\d)\b", str(error.get("codexErrorInfo")))
    status = int(found[1]) if found else 0
    if error.get("willRetry"):
        return Retries(attempt=1, status=status)
    return Erred(text=str(error.get("message") or error), status=status)


def _at(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class AcpProfile(Profile):
    """One agent.

    `mode` is the mode in which it asks for leave, "" for the one it begins in. `login` is the way of logging in that it
    is told where it wants one. `steers`: how a text gets into a running turn: by another prompt ("prompt"), by a
    request of its own (the name of that), or not at all.

    `refused`: how its turn ends where a refusal ends it, besides as cancelled. `nameless`: a message that belongs to
    none, as the last of a turn, is an error. `leaves`: seconds that it needs after its session was closed, lest
    it is cut short in writing it down; 0: its session need not be closed. `usage` reads a turn's end, `trouble` finds
    an error in what is said beyond the protocol.
    """

    mode: Callable[[Brief], str] = _its_own
    login: str = ""
    steers: str = ""
    refused: str = "cancelled"
    nameless: bool = False
    leaves: float = 0.0
    usage: Callable[[Reply], Told] = _sum_of_the_turn
    trouble: Callable[[Mapping[str, Any]], Erred | Retries | None] = _no_trouble


ANY: Final = AcpProfile(name="acp", title="an agent of the Agent Client Protocol", program=())

KNOWN: Final[Mapping[str, AcpProfile]] = {
    "claude-agent-acp": AcpProfile(
        name="acp",
        title="Claude Code, by claude-agent-acp",
        program=("claude-agent-acp",),
        kind="anthropic",
        environment=setups.claude_environment,
        mode=_default,
        steers="prompt",
        leaves=0.3,
    ),
    "codex-acp": AcpProfile(
        name="acp",
        title="Codex, by codex-acp",
        program=("codex-acp",),
        kind="openai",
        environment=setups.codex_environment,
        mode=_codex_mode,
        steers="_session/steering",
        nameless=True,
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
        mode=_default,
        login="gemini-api-key",
        usage=_quota,
    ),
    "opencode": AcpProfile(
        name="acp",
        title="opencode",
        program=("opencode", "acp"),
        kind="openai",
        environment=setups.opencode_environment,
        refused="end_turn",
        usage=_last_call,
    ),
    "qwen": AcpProfile(
        name="acp",
        title="Qwen Code",
        program=("qwen", "--acp"),
        kind="openai",
        environment=setups.qwen_environment,
        home=setups.qwen_home,
        mode=_default,
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
