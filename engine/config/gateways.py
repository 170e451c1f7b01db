"""Which models an agent reaches, by which of the user's gateways, with whose key: settings made real.

A gateway stands in the user's file; the vendors' own exist besides wherever the usual variable holds a key. What a
file says that can not be is told here at its line. No key is read here: an upstream asks for it when it needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from engine.config.errors import ConfigError
from engine.config.settings import Agent, Settings
from engine.config.spending import Gateway, Prices
from engine.config.tools import BY_RUNTIME, spoken
from engine.config.vendors import VENDORS
from engine.config.written import Tier
from engine.gateway.llm.values import Kind, Upstream

TIERS: tuple[Tier, ...] = ("small", "standard", "large")


class Trouble(NamedTuple):
    """What can not be, at which path of keys, and what to write instead."""

    path: tuple[str, ...]
    reason: str
    way_out: str


def kind_of(settings: Settings, name: str) -> Kind | None:
    """The API that the gateway of this name speaks; None where there is no such gateway, or it does not say."""
    given = settings.gateway.get(name)
    if given is not None and given.kind is not None:
        return given.kind
    return next((kind for kind in VENDORS if kind == name), None)


def gateway_of(settings: Settings, agent: Agent, kind: Kind) -> str:
    """The name of the gateway that an agent reaches models of this kind by; "" where the one it names is of another.

    Whether it leads anywhere, `upstreams` says: a vendor's own needs its key.
    """
    if agent.gateway is not None:
        return agent.gateway if kind_of(settings, agent.gateway) == kind else ""
    return next((name for name in settings.gateway if kind_of(settings, name) == kind), kind)


def routes(settings: Settings, agent: Agent, there: Mapping[str, Upstream]) -> dict[Kind, str]:
    """By kind of API the gateway that an agent reaches models by, of those that are there."""
    found = {kind: gateway_of(settings, agent, kind) for kind in VENDORS}
    return {kind: name for kind, name in found.items() if name in there}


def kind_for(settings: Settings, agent: Agent) -> Kind | None:
    """The API an agent's program speaks, where its runtime, its gateway or its program's name says so."""
    tool = BY_RUNTIME.get(agent.runtime)
    if tool is not None:
        return tool.kind
    if agent.gateway is not None:
        return kind_of(settings, agent.gateway)
    return spoken(agent.command) if agent.runtime == "acp" else None


def tiers(settings: Settings, agent: Agent) -> dict[Tier, str]:
    """What each tier means to an agent; "" where nothing says it, which leaves it to the agent's program.

    Tables of `[models]` go before one another in this order: the runtime's, the gateway's, the vendor's.
    """
    kind = kind_for(settings, agent)
    name = gateway_of(settings, agent, kind) if kind is not None else ""
    vendor = VENDORS[kind] if kind is not None and _leads_to_vendor(settings, name) else None
    tables = dict.fromkeys((agent.runtime, name, *(vendor.tables if vendor is not None else ())))
    said = [settings.models[table] for table in tables if table in settings.models]
    default = vendor.models if vendor is not None else {}
    return {tier: next(filter(None, (getattr(one, tier) for one in said)), default.get(tier, "")) for tier in TIERS}


def model_for(settings: Settings, agent: Agent, tier: str = "") -> str:
    """The model an agent works with at a tier, by default its own; "" leaves it to the agent's program."""
    wanted = tier or agent.tier
    return agent.model or next((model for name, model in tiers(settings, agent).items() if name == wanted), "")


def upstreams(settings: Settings, environment: Mapping[str, str], *, keyless: bool = False) -> dict[str, Upstream]:
    """Every gateway by its name, the configured ones first; `environment` is what the client handed over.

    `keyless`: a tape answers for them, so that none has a key, and the vendors' own are there without it.

    Raises `ConfigError` for one whose kind nobody says; `load` has told that already, at its line.
    """
    found = {name: _upstream(name, given, settings, environment) for name, given in settings.gateway.items()}
    for kind, vendor in VENDORS.items():
        if kind not in found and (keyless or environment.get(vendor.key)):
            found[kind] = _upstream(kind, Gateway(), settings, environment)
    return {name: replace(one, key=None) for name, one in found.items()} if keyless else found


def key_of(given: Gateway, kind: Kind) -> str:
    """Where a gateway's key comes from, as it is written; "" for one that has none.

    The vendor's usual variable is meant only where the vendor's own address is: no other server is sent its key.
    """
    if given.key is not None:
        return given.key
    own = given.url is None or given.url.rstrip("/") == VENDORS[kind].url
    return f"env:{VENDORS[kind].key}" if own and not given.plan else ""


def overrides(settings: Settings) -> dict[str, dict[str, object]]:
    """The user's own prices, by model, as the price list takes them: per million, decimal."""
    return {model: _table(prices) for model, prices in settings.prices.items()}


def troubles(settings: Settings) -> Iterator[Trouble]:
    """What the settings say of gateways and log-ins that can not be."""
    for name, given in settings.gateway.items():
        yield from _of_gateway(name, given, kind_of(settings, name))
    for name, agent in settings.agents.items():
        yield from _of_agent(settings, ("agents", name), agent)


def _upstream(name: str, given: Gateway, settings: Settings, environment: Mapping[str, str]) -> Upstream:
    from engine.gateway.llm.keys import secret  # noqa: PLC0415  what only reads settings needs no keys

    kind = kind_of(settings, name)
    if kind is None:
        raise ConfigError("does not say which API it speaks", place=f"[gateway.{name}]", field="kind")
    vendor = VENDORS[kind]
    said = key_of(given, kind)
    url = given.url or (vendor.plan if given.plan else vendor.url)
    return Upstream(
        name=name,
        kind=kind,
        url=_without_version(url),
        key=secret(name, said, environment) if said else None,
        plan=given.plan,
    )


def _leads_to_vendor(settings: Settings, name: str) -> bool:
    """Whether what the vendor calls its models is what they are called there."""
    given = settings.gateway.get(name)
    return name in VENDORS or (given is not None and given.url is None)


def _without_version(url: str) -> str:
    """People write an address with the version or without; agents send the version in their path."""
    return url.rstrip("/").removesuffix("/v1beta").removesuffix("/v1").rstrip("/")


def _table(prices: Prices) -> dict[str, object]:
    said = {name: getattr(prices, name) for name in type(prices).model_fields if name != "above"}
    if prices.above is not None:
        said["above"] = {name: getattr(prices.above, name) for name in type(prices.above).model_fields}
    return {name: value for name, value in said.items() if value is not None}


def _of_gateway(name: str, given: Gateway, kind: Kind | None) -> Iterator[Trouble]:
    kinds = ", ".join(f'"{one}"' for one in VENDORS)
    if kind is None:
        yield Trouble(("gateway", name), "does not say which API it speaks", f"write kind = one of {kinds}")
    elif given.plan and not VENDORS[kind].plan:
        way_out = "use a key, or let the agent log in by itself: its figures are then its own"
        yield Trouble(("gateway", name, "plan"), f"no subscription of {VENDORS[kind].title} passes through", way_out)


def _of_agent(settings: Settings, path: tuple[str, ...], agent: Agent) -> Iterator[Trouble]:
    if agent.gateway is not None:
        yield from _of_choice(settings, (*path, "gateway"), agent, agent.gateway)
    own = kind_for(settings, agent)
    for model in agent.fallback:
        name, slash, _ = model.partition("/")
        kind = kind_of(settings, name) if slash else None
        if kind is not None and own is not None and kind != own:
            reason = f'"{model}" is at a gateway of kind {kind}, and the agent speaks {own}'
            yield Trouble((*path, "fallback"), reason, "name models that are reached by the same API")


def _of_choice(settings: Settings, path: tuple[str, ...], agent: Agent, name: str) -> Iterator[Trouble]:
    kind = kind_of(settings, name)
    tool = BY_RUNTIME.get(agent.runtime)
    if kind is None:
        known = ", ".join(dict.fromkeys((*settings.gateway, *VENDORS)))
        way_out = f"there are {known}; write [gateway.{name}] to your own settings"
        yield Trouble(path, f'there is no gateway "{name}"', way_out)
    elif tool is not None and tool.kind != kind:
        reason = f'"{name}" speaks the API of kind {kind}, and {tool.title} speaks {tool.kind}'
        yield Trouble(path, reason, f"name one of kind {tool.kind}, or leave it out")
