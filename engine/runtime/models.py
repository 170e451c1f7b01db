"""The models of one run's agents: the gateway to them, the token of each agent, and what its tier means.

The gateway is made when the first room opens a port to it: a crew that asks no model pays nothing for it.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.config.gateways import model_for, overrides, routes, tiers
from engine.config.settings import Agent as AgentSettings
from engine.config.settings import Settings
from engine.core.values import AgentSpec, TaskSpec
from engine.gateway.llm.ports import Cache, Tape
from engine.gateway.llm.values import Purse, Upstream

if TYPE_CHECKING:
    from engine.gateway.llm.server import Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How an agent reaches its models: addresses by kind of API, its token, and the model that it begins with.

    Where its own log-in passes through, its token stands in the addresses, and nowhere else.
    """

    bases: Mapping[str, str]
    token: str = field(repr=False)
    model: str


class RunModels:
    """The gateway of one run; what `ways_out.Models` asks for."""

    def __init__(
        self,
        settings: Settings,
        upstreams: Mapping[str, Upstream],
        purse: Purse,
        *,
        cache: Callable[[], Cache] | None = None,
        tape: Tape | None = None,
    ) -> None:
        self._settings, self._upstreams, self._purse = settings, upstreams, purse
        self._cache, self._tape = cache, tape
        self._gateway: Gateway | None = None
        self._tokens: dict[str, str] = {}

    def tokens(self) -> tuple[str, ...]:
        """What the agents show in place of keys."""
        return tuple(self._tokens.values())

    def reached_by(self, settings: AgentSettings | None) -> Mapping[str, str]:
        """By kind of API the name of the gateway that such an agent asks; empty: it reaches no model through us."""
        if settings is None or settings.runtime == "scripted":
            return {}
        return {str(kind): name for kind, name in routes(self._settings, settings, self._upstreams).items()}

    async def access(self, spec: AgentSpec, task: TaskSpec | None, base: str) -> Access:
        """What an agent is to be told for its next assignment; `base` is the address of its room's port, "" for none.

        From here on its requests get the models of the task's tier, or of its own.
        """
        settings = self._settings.agents.get(spec.pool or spec.name)
        names = self.reached_by(settings)
        if settings is None or not names or not base:
            return Access(bases={}, token="", model="" if settings is None else model_for(self._settings, settings))
        from engine.gateway.llm.lanes import Lane  # noqa: PLC0415  see above
        from engine.gateway.llm.tiers import ladder  # noqa: PLC0415

        tier = (task.tier if task is not None else "") or spec.tier
        table = {str(name): model for name, model in tiers(self._settings, settings).items() if model}
        token = self._tokens.setdefault(spec.name, f"qd-{secrets.token_urlsafe(24)}")
        steps = ladder(table, tier, spec.model)
        gateway = await self._opened()
        gateway.admit(
            spec.name,
            Lane(
                token=token,
                ladders=dict.fromkeys(names, steps),  # type: ignore[arg-type]  # the kinds of API
                fallback=spec.fallback,
                share_cache=self._settings.cache.on,
            ),
        )
        plans = {name for name in names.values() if self._upstreams[name].plan}
        bases = {
            kind: f"{base}/as/{token}/{name}" if name in plans else f"{base}/{name}" for kind, name in names.items()
        }
        model = model_for(self._settings, settings, tier)
        return Access(bases=bases, token="" if plans else token, model=model)

    async def serve(self, agent: str, listener: socket.socket) -> None:
        """Answer what the agent asks at this listener."""
        await (await self._opened()).serve(agent, listener)

    async def leave(self, agent: str) -> None:
        """End what is under way for it."""
        if self._gateway is not None:
            await self._gateway.leave(agent)

    async def close(self) -> None:
        """End all that is under way; what was not booked is booked as it stands."""
        if self._gateway is not None:
            await self._gateway.close()

    async def _opened(self) -> Gateway:
        if self._gateway is None:
            from engine.gateway.llm.prices import Prices  # noqa: PLC0415
            from engine.gateway.llm.server import Gateway  # noqa: PLC0415  an HTTP server and client

            self._gateway = Gateway(
                self._upstreams,
                self._purse,
                prices=Prices(overrides(self._settings)),
                at_budget=self._settings.limits.at_budget,
                cache=self._cache() if self._cache is not None else None,
                tape=self._tape,
            )
            await self._gateway.open()
        return self._gateway
