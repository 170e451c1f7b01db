"""How each agent of the crew reaches its models: by which gateway, with a key from where, at what price.

It tells whether there is a key by asking for it, and never the key. An agent without any way to models is found before
a run, and not in the middle of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.config.finding import Finding, Level
from engine.config.gateways import gateway_of, key_of, kind_for, model_for, overrides, routes, upstreams
from engine.config.programs import Missing
from engine.config.settings import RUNTIMES, Agent, Settings
from engine.config.spending import Gateway
from engine.config.tools import BY_RUNTIME
from engine.config.vendors import VENDORS
from engine.gateway.llm.keys import KeyTrouble, shown
from engine.gateway.llm.values import Kind, Spend, Upstream

_PROBE = Spend(input=1000, output=1000)


def cut_off(settings: Settings, environment: Mapping[str, str]) -> list[Missing]:
    """The agents that have neither a gateway to their models nor a log-in of their own, or whose key is not set."""
    there = upstreams(settings, environment)
    kinds = {name: kind for name, agent in settings.agents.items() if (kind := _own_kind(agent)) is not None}
    found = (_trouble(settings, name, kind, there, environment) for name, kind in kinds.items())
    return [missing for missing in found if missing is not None]


def models(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What `doctor` says of the way from each agent to its models, and of tables that nothing refers to."""
    there = upstreams(settings, environment)
    keys = {name: _key_trouble(upstream) for name, upstream in there.items()}
    for name, agent in settings.agents.items():
        yield from _agent(settings, name, agent, there, keys)
        yield from _unasked(name, agent)
    known = {*RUNTIMES, *settings.gateway, *(table for vendor in VENDORS.values() for table in vendor.tables)}
    for name in sorted(settings.models.keys() - known):
        mend = "name a runtime, a gateway, anthropic, openai or gemini"
        yield Finding(level="warn", what=f"[models.{name}]", detail="nothing is called so: it holds nowhere", mend=mend)


def unpriced(settings: Settings, kind: Kind, model: str) -> bool:
    """Whether nobody says what a model costs: not the user, and not the list of prices."""
    from engine.gateway.llm.prices import Prices  # noqa: PLC0415  only who asks what something costs pays for it

    return Prices(overrides(settings)).of(kind, _PROBE, model) is None


def _own_kind(agent: Agent) -> Kind | None:
    """The API without which an agent is nothing; None for programs that may have no use for models."""
    tool = BY_RUNTIME.get(agent.runtime)
    return tool.kind if tool is not None else None


def _unasked(name: str, agent: Agent) -> Iterator[Finding]:
    """Leave that is never asked for."""
    tool = BY_RUNTIME.get(agent.runtime)
    if agent.permissions.ask and (agent.runtime == "command" or (tool is not None and not tool.asks)):
        who = tool.title if tool is not None else "a plain program"
        mend = 'let it speak the Agent Client Protocol (runtime = "acp"), or say what it may change with `write`'
        detail = f"{who} never asks for leave, so that this holds nothing up"
        yield Finding(level="warn", what=f"[agents.{name}.permissions] ask", detail=detail, mend=mend)


def _agent(
    settings: Settings, name: str, agent: Agent, there: Mapping[str, Upstream], keys: Mapping[str, KeyTrouble | None]
) -> Iterator[Finding]:
    what = f"models of {name}"
    ways = routes(settings, agent, there)
    kind = kind_for(settings, agent)
    if agent.runtime == "scripted":
        return
    if kind is None:
        if ways:
            yield Finding(level="ok", what=what, detail=f"it may ask {', '.join(ways.values())}")
        return
    if kind not in ways:
        yield _no_way(settings, what, name, agent, kind)
        return
    yield _way(settings, what, agent, there[ways[kind]], keys[ways[kind]])
    yield from _price(settings, what, agent, kind, there[ways[kind]])


def _way(settings: Settings, what: str, agent: Agent, upstream: Upstream, trouble: KeyTrouble | None) -> Finding:
    model = model_for(settings, agent) or "its own choice of model"
    at = f"{model} by gateway {upstream.name} ({upstream.url})"
    if upstream.plan:
        detail = f"{at}, with its own subscription log-in; money is only notional, and budgets in tokens hold it"
        return Finding(level="ok", what=what, detail=detail, more=(VENDORS[upstream.kind].terms,))
    said = key_of(settings.gateway.get(upstream.name, Gateway()), upstream.kind)
    if not said:
        return Finding(level="ok", what=what, detail=f"{at}, without a key")
    detail = f"{at}, key from {shown(said)}"
    if trouble:
        return Finding(level="bad", what=what, detail=f"{detail}: {trouble.why}", mend=trouble.way_out)
    return Finding(level="ok", what=what, detail=f"{detail}, which is there")


def _no_way(settings: Settings, what: str, name: str, agent: Agent, kind: Kind) -> Finding:
    if _logs_in(settings, name, agent):
        detail = "by its own log-in, past the gateway: its own figures are what it is metered by, late"
        mend = f"for budgets that hold, write plan = true under [gateway.{kind}] of your own settings, or use a key"
        return Finding(level="warn", what=what, detail=detail, mend=mend if VENDORS[kind].plan else "use a key")
    missing = _without(name, kind)
    level: Level = "bad" if _own_kind(agent) is not None else "warn"
    return Finding(level=level, what=what, detail=missing.reason, mend=missing.way_out)


def _price(settings: Settings, what: str, agent: Agent, kind: Kind, upstream: Upstream) -> Iterator[Finding]:
    """A money budget can not hold what has no price; one in tokens holds anything."""
    limits = settings.limits
    budgets = [agent.budget, limits.budget, limits.task_budget, limits.day_budget]
    asked = dict.fromkeys(filter(None, (model_for(settings, agent), *_same_gateway(settings, agent, kind))))
    unknown = [model for model in asked if unpriced(settings, kind, model)]
    if unknown and not upstream.plan and any(budget is not None and budget.usd is not None for budget in budgets):
        names = ", ".join(f'"{model}"' for model in unknown)
        yield Finding(
            level="warn",
            what=what,
            detail=f"no price is known of {names}, so that nothing is asked of it under a budget in money",
            mend=f'write [prices."{unknown[0]}"] to your own settings (0 for a model at home), or budgets in tokens',
        )
    if upstream.plan and all(budget is None or budget.tokens is None for budget in budgets):
        mend = 'write one, such as budget = "2mtok"'
        yield Finding(level="warn", what=what, detail="no budget in tokens holds its subscription", mend=mend)


def _same_gateway(settings: Settings, agent: Agent, kind: Kind) -> Iterator[str]:
    """Its fallbacks, without the gateway's name where that stands before them."""
    names = {*settings.gateway, *VENDORS, gateway_of(settings, agent, kind)}
    for model in agent.fallback:
        name, _, rest = model.partition("/")
        yield rest if name in names and rest else model


def _logs_in(settings: Settings, name: str, agent: Agent) -> bool:
    return any(key in settings.credentials for key in (name, agent.runtime))


def _trouble(
    settings: Settings, name: str, kind: Kind, there: Mapping[str, Upstream], environment: Mapping[str, str]
) -> Missing | None:
    agent = settings.agents[name]
    upstream = there.get(routes(settings, agent, there).get(kind, ""))
    if upstream is None:
        return None if _logs_in(settings, name, agent) else _without(name, kind)
    said = key_of(settings.gateway.get(upstream.name, Gateway()), kind)
    variable = said.removeprefix("env:")
    if variable == said or environment.get(variable):
        return None
    reason = f"it has no way to models: [gateway.{upstream.name}] has its key in ${variable}, which is not set"
    return Missing(place=f"[agents.{name}]", program=kind, reason=reason, way_out="set it where you start Quarterdeck")


def _without(name: str, kind: Kind) -> Missing:
    return Missing(
        place=f"[agents.{name}]",
        program=kind,
        reason=f"it has no way to models: there is no key to {VENDORS[kind].title}'s, and no gateway of kind {kind}",
        way_out=f"set ${VENDORS[kind].key} where you start Quarterdeck, or write [gateway.{kind}] to your own settings",
    )


def _key_trouble(upstream: Upstream) -> KeyTrouble | None:
    """Why there is no key where there should be one."""
    if upstream.key is not None:
        try:
            upstream.key()
        except KeyTrouble as error:
            return error
    return None
