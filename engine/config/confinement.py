"""Whether what confines programs here is enough for the agents of a crew, and if not, why and what helps.

Pure: the tier comes from a probe. Two have to agree before an agent runs without any confinement: its own
`permissions.confine`, which must not ask for more, and its user, in `[security]` or with `--unconfined`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from engine.config.access import MECHANISMS, Mechanism, Security
from engine.config.settings import Settings
from engine.core.values import AgentSpec
from engine.processes.confinement.tiers import Tier

DEFAULT = "basic"
"""What an agent asks for that says nothing. Only this demand is met by its user's word instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weak:
    """Agents that may not start here: what they ask for, that against what there is and why, and the ways out."""

    agents: tuple[str, ...]
    asks: str
    text: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.text}; {self.way_out}"


def too_weak(settings: Settings, crew: Sequence[AgentSpec], tier: Tier, *, allowed: bool) -> list[Weak]:
    """Why agents may not start under `tier`, one for each demand; empty where all may.

    `allowed`: the user has accepted for this run that there is no confinement.
    """
    allowed = allowed or settings.security.allow_unconfined
    demands: dict[str, list[str]] = {}
    for agent in crew:
        if not _enough(agent.confine, tier, allowed=allowed):
            demands.setdefault(agent.confine, []).append(agent.name)
    return [_weak(tuple(names), least, settings, tier) for least, names in demands.items()]


def reasons(security: Security, tier: Tier) -> Iterator[tuple[str, str]]:
    """Of each mechanism before the one in force, why it is not: (mechanism, sentence)."""
    tried = dict(tier.tried)
    for name in _before(tier.mechanism):
        if name not in security.mechanisms:
            yield name, "your [security] mechanisms leave it out"
        elif name in tried:
            yield name, tried[name]


def ways_out(security: Security, tier: Tier, least: str = "strong") -> Iterator[str]:
    """What may help to get `least`, the likeliest first."""
    tried = dict(tier.tried)
    if any(name not in security.mechanisms for name in _before(tier.mechanism)):
        yield "name more mechanisms under [security] in your own settings"
    if "not installed" in tried.get("bubblewrap", ""):
        yield "install bubblewrap (`apt install bubblewrap`)"
    if "namespaces" in tried and sys.platform == "linux":
        yield (
            "allow user namespaces (`sysctl kernel.apparmor_restrict_unprivileged_userns=0`, "
            "or an AppArmor profile for bwrap)"
        )
    if "landlock" in tried and sys.platform == "linux" and least != "strong":
        yield "boot a kernel from 6.12 on with Landlock"
    if "seatbelt" in tried and sys.platform == "darwin":
        yield "let /usr/bin/sandbox-exec run"


def _before(mechanism: str) -> list[Mechanism]:
    """The mechanisms of this system that are tried before this one."""
    here = [name for name in MECHANISMS if (name == "seatbelt") is (sys.platform == "darwin")]
    return list(takewhile(lambda name: name != mechanism, here))


def _enough(least: str, tier: Tier, *, allowed: bool) -> bool:
    if tier.name == "unconfined":
        return allowed and least in {"", "none"}
    return tier.enough_for(least)


def _weak(names: tuple[str, ...], least: str, settings: Settings, tier: Tier) -> Weak:
    told = "; ".join(f"{name}: {why}" for name, why in reasons(settings.security, tier))
    why = f" ({told})" if told else ""
    helps = [] if least == "none" else list(ways_out(settings.security, tier, least or DEFAULT))
    asks = _asks(names, least)
    return Weak(
        agents=names,
        asks=asks,
        text=f"{asks}, and in force is {tier.label}{why}",
        way_out=", or ".join([*helps, _accept(least, tier)]),
    )


def _asks(names: tuple[str, ...], least: str) -> str:
    who = ", ".join(names)
    one = len(names) == 1
    if least == "none":
        return f"{who} {'agrees' if one else 'agree'} to run unconfined, but you have not"
    by_default = "" if least else ", by default"
    return f"{who} {'asks' if one else 'ask'} for at least {least or DEFAULT} confinement{by_default}"


def _accept(least: str, tier: Tier) -> str:
    """How to go on as things are."""
    with_it = "accept it for this run with --unconfined"
    if tier.name != "unconfined":
        return f'let it do with less: confine = "{tier.name}" under its permissions'
    return with_it if least in {"", "none"} else f'write confine = "none" under its permissions and {with_it}'
