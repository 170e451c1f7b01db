"""Who may ask here, and what of: each agent has a token of its own, which is nothing but a name to the gateway."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.gateway.llm.tiers import Ladder
from engine.gateway.llm.values import Kind, Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What an agent has here. `fallback`, in its order: "MODEL", or "GATEWAY/MODEL" of the same kind of API."""

    token: str = field(repr=False)
    ladders: Mapping[Kind, Ladder] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()
    share_cache: bool = False

    def admits(self, shown: Iterable[str]) -> bool:
        """Whether one of the tokens that were shown is this agent's."""
        mine = self.token.encode()
        return bool(mine) and any(hmac.compare_digest(each.encode(errors="surrogateescape"), mine) for each in shown)

    def model(self, kind: Kind, asked: str) -> str:
        """The model to ask for in place of the one that was asked for."""
        return self.ladders[kind].choose(asked) if kind in self.ladders else asked


@dataclass(frozen=True, slots=True)
class Target:
    """A model at a provider: what is asked, and what can be out of order."""

    upstream: Upstream
    model: str

    @property
    def name(self) -> tuple[str, str]:
        """Provider and model."""
        return self.upstream.name, self.model


def targets(first: Target, lane: Lane, upstreams: Mapping[str, Upstream]) -> tuple[Target, ...]:
    """The one that is meant, then its fallbacks; none twice, none of another kind, no plan in place of a key.

    A name with a slash is a gateway's only where there is such a gateway: models have slashes in their names as well.
    """
    found = {first.name: first}
    if first.upstream.plan:
        return (first,)
    for entry in lane.fallback:
        name, slash, model = entry.partition("/")
        upstream = upstreams.get(name) if slash else None
        target = Target(upstream, model) if upstream else Target(first.upstream, entry)
        if target.upstream.kind == first.upstream.kind and not target.upstream.plan:
            found.setdefault(target.name, target)
    return tuple(found.values())
