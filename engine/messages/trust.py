"""Who may say what to whom: one small table, by the trust that the crew's configuration gives an agent.

`untrusted` agents report upwards only. `standard` agents also speak to each other, but give no orders and no answers
in a person's place. `trusted` agents (a supervisor) may do all of it. Nobody speaks in another's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from engine.messages.errors import DraftRefused
from engine.messages.payloads import Kind

Trust = Literal["untrusted", "standard", "trusted"]

ENGINE: Final = "engine"
PERSON: Final = "person"
ABOVE: Final = frozenset({ENGINE, PERSON})
"""Recipients that are no agents; no agent may be called so."""

_REPORTS: Final[frozenset[Kind]] = frozenset(
    {"result", "error", "clarification_request", "claim", "escalation", "note"}
)
_TALK: Final[frozenset[Kind]] = frozenset({"proposal", "review", "verdict"})


@dataclass(frozen=True, slots=True)
class Rule:
    """The kinds a sender may use, and whether it may address other agents."""

    kinds: frozenset[Kind]
    agents: bool


RULES: Final[dict[Trust, Rule]] = {
    "untrusted": Rule(kinds=_REPORTS, agents=False),
    "standard": Rule(kinds=_REPORTS | _TALK, agents=True),
    "trusted": Rule(kinds=frozenset(get_args(Kind)), agents=True),
}

ADDRESSED: Final[frozenset[Kind]] = frozenset({"task_assignment", "answer", "steer", "stop"})
"""Kinds that mean nothing without a recipient; the others go to the engine unless they say."""


def check(kind: Kind, to: str | None, trust: Trust) -> None:
    """Raise `DraftRefused` when a sender of this trust may not send this kind to this recipient."""
    rule = RULES[trust]
    if kind not in rule.kinds:
        raise DraftRefused(f"an agent of trust {trust} may not send {kind}", "kind")
    if to is None and kind in ADDRESSED:
        raise DraftRefused(f"{kind} needs a recipient", "to")
    if to is not None and to not in ABOVE and not rule.agents:
        raise DraftRefused(f"an agent of trust {trust} may address only {ENGINE} and {PERSON}", "to")
