"""From settings to what a run is told: its agents, one by one, and its limits."""

from __future__ import annotations

from engine.config.errors import ConfigError
from engine.config.load import PROJECT_FILE
from engine.config.settings import Settings
from engine.core.values import AgentSpec, Limits


def crew(settings: Settings) -> tuple[AgentSpec, ...]:
    """Every instance of every agent, in the order of the file: `builder-1` to `builder-3`, or just `builder`.

    Raises `ConfigError` where two of them would share a name.
    """
    agents: dict[str, AgentSpec] = {}
    for pool, agent in settings.agents.items():
        for name in instance_names(pool, agent.instances):
            if name in agents:
                raise _collision(name, pool, agents[name].pool)
            agents[name] = _instance(name, pool, settings)
    _refuse_shared_pools(agents)
    return tuple(agents.values())


def instance_names(pool: str, instances: int) -> tuple[str, ...]:
    """The names of an agent's instances."""
    return (pool,) if instances == 1 else tuple(f"{pool}-{number}" for number in range(1, instances + 1))


def limits(settings: Settings) -> Limits:
    """What a run and its agents may use at most."""
    given = settings.limits
    return Limits(**{name: getattr(given, name) for name in Limits.__struct_fields__})


def _instance(name: str, pool: str, settings: Settings) -> AgentSpec:
    agent = settings.agents[pool]
    return AgentSpec(
        name=name,
        runtime=agent.runtime,
        does=agent.does,
        pool=pool,
        tier=agent.tier,
        confine=agent.permissions.confine or "",
        budget=agent.budget,
        write=agent.permissions.write,
        given=settings.given(pool),
        model=agent.model or "",
        asks=dict(agent.permissions.ask),
        fallback=agent.fallback,
    )


def _collision(name: str, pool: str, other: str) -> ConfigError:
    return ConfigError(
        f'its instance "{name}" has the name of one of [agents.{other}]',
        file=PROJECT_FILE,
        place=f"[agents.{pool}]",
        way_out="rename one of them",
    )


def _refuse_shared_pools(agents: dict[str, AgentSpec]) -> None:
    """A task's `agent` may name a pool or an instance, so one word must not mean both."""
    pools = {agent.pool for agent in agents.values()}
    for name, agent in agents.items():
        if name in pools and agent.pool != name:
            raise _collision(name, agent.pool, name)
