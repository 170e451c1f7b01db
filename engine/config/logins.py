"""Whose log-in is whose: one that several homes hold is refreshed by each of them, and then only the last one holds.

Vendors give a new refresh token with each refresh and withdraw the old one, so two copies log each other out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from engine.config.gateways import Trouble
from engine.config.settings import Settings


def shared_logins(settings: Settings) -> Iterator[Trouble]:
    """Files of `[credentials]` that more than one agent would get a copy of."""
    holders: dict[str, list[str]] = defaultdict(list)
    said: dict[str, str] = {}
    for pool, agent in settings.agents.items():
        names = (pool,) if agent.instances == 1 else tuple(f"{pool}-{at}" for at in range(1, agent.instances + 1))
        for name in names:
            for key in dict.fromkeys((name, pool, agent.runtime)):
                for file in settings.credentials.get(key, ()):
                    said.setdefault(file, key)
                    if name not in holders[file]:
                        holders[file].append(name)
    for file, agents in holders.items():
        if len(agents) > 1:
            reason = f'"{file}" would be copied to {", ".join(agents)}, and copies of one log-in end each other'
            way_out = "give it to one agent with instances = 1, or let them use a key under [gateway]"
            yield Trouble(("credentials", said[file]), reason, way_out)
