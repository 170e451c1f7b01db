"""What the user asks for at least, no project lowers: confinement, leave for tools, budgets of a task and a day.

Both files say these; for everything else the project's word goes before the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.config.access import Permissions
from engine.config.document import Document
from engine.config.settings import Agent, Settings
from engine.core import amounts
from engine.core.values import Amount, Level
from engine.processes.confinement.tiers import RANKS

LEVELS: tuple[Level, ...] = ("auto", "confirm", "review")
"""From the one that asks nobody to the strictest."""
BUDGETS = ("task_budget", "day_budget")


def as_the_user_asks(settings: Settings, project: Document, user: Document | None) -> Settings:
    """The same settings, nowhere below what the user's file asks for."""
    if user is None:
        return settings
    agents = {name: _agent(agent, name, project, user) for name, agent in settings.agents.items()}
    lower = {name: _budget(name, getattr(settings.limits, name), user) for name in BUDGETS}
    return settings.model_copy(update={"agents": agents, "limits": settings.limits.model_copy(update=lower)})


def least(one: Amount, other: Amount) -> Amount:
    """The lower of two limits, for money and for tokens."""
    usd = [Decimal(amount.usd) for amount in (one, other) if amount.usd is not None]
    tokens = [amount.tokens for amount in (one, other) if amount.tokens is not None]
    return Amount(usd=str(min(usd)) if usd else None, tokens=min(tokens) if tokens else None)


def _agent(agent: Agent, name: str, project: Document, user: Document) -> Agent:
    path = ("agents", name, "permissions")
    permissions = _confined(agent.permissions, user.value(*path, "confine"))
    asked = user.value(*path, "ask")
    if isinstance(asked, dict) and asked:
        said = project.value(*path, "ask")
        ask = _asked(agent.permissions.ask, asked, said if isinstance(said, dict) else {})
        permissions = permissions.model_copy(update={"ask": ask})
    return agent if permissions is agent.permissions else agent.model_copy(update={"permissions": permissions})


def _confined(permissions: Permissions, asked: object) -> Permissions:
    if not isinstance(asked, str) or RANKS.get(asked, 0) <= RANKS[permissions.confine or ""]:
        return permissions
    return permissions.model_copy(update={"confine": asked})


def _asked(ask: Mapping[str, Level], users: Mapping[str, Any], projects: Mapping[str, Any]) -> dict[str, Level]:
    """Each of the project's words at least as strict as the strictest of the user's about the same kind of tool."""
    return {key: _stricter(level, _floor(key, users)) if key in projects else level for key, level in ask.items()}


def _floor(key: str, users: Mapping[str, Any]) -> Level:
    kind = key.partition(":")[0]
    same = [users[other] for other in users if other.partition(":")[0] == kind] or [users.get("*")]
    return max((level for level in same if level in LEVELS), key=LEVELS.index, default="auto")


def _stricter(one: Level, other: Level) -> Level:
    return max(one, other, key=LEVELS.index)


def _budget(name: str, holds: Amount, user: Document) -> Amount:
    written = user.value("limits", name)
    if not isinstance(written, str) or not written:
        return holds
    try:
        return least(holds, amounts.parse(written))
    except amounts.BadAmount:  # the project's word stands in its place, so nobody has read it
        return holds
