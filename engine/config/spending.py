"""Where models are, which of them the tiers mean, what they cost, and whether an answer may be given twice."""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import Field, model_validator

from engine.config.strict import Strict
from engine.config.written import Key, ModelName, Price, Size, Url
from engine.gateway.llm.values import Kind


class Models(Strict):
    """`[models.NAME]`, of a runtime, a vendor or a gateway: which model a tier means there.

    What is left out keeps the vendor's default. A gateway with a name and a url of its own has no defaults.
    """

    small: ModelName | None = None
    standard: ModelName | None = None
    large: ModelName | None = None


class Gateway(Strict):
    """`[gateway.NAME]` of the user's file: where models are, and where the key to them comes from."""

    kind: Kind | None = Field(default=None, description="the API it speaks; default: its name")
    url: Url | None = Field(default=None, description='default: the vendor\'s; without the version, such as "/v1"')
    key: Key | None = Field(
        default=None,
        description=(
            "env:NAME, keyring:NAME or command:…, never the key itself; "
            "default: the vendor's usual variable, where url is the vendor's own"
        ),
    )
    plan: bool = Field(
        default=False,
        description="no key: the agent's own subscription log-in passes through untouched; only token budgets hold it",
    )

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.plan and self.key is not None:
            raise ValueError("has a key and a plan; write one of them")
        return self


class PricesAbove(Strict):
    """What all of a request costs whose input is longer than `tokens`; what is left out costs as below."""

    tokens: int = Field(ge=1)
    input: Price | None = None
    output: Price | None = None
    cache_read: Price | None = None
    cache_write_5m: Price | None = None
    cache_write_1h: Price | None = None


class Prices(Strict):
    """`[prices."MODEL"]` of the user's file: US dollars per million tokens, in place of the list's.

    0 is a price: that of a model on your own machine.
    """

    input: Price
    output: Price
    cache_read: Price | None = Field(default=None, description="default: as input")
    cache_write_5m: Price | None = Field(default=None, description="default: as input")
    cache_write_1h: Price | None = Field(default=None, description="default: as cache_write_5m")
    search: Price | None = Field(default=None, description="US dollars of one web search; default: 0")
    above: PricesAbove | None = None
    valid_from: date | None = Field(default=None, description="before this day the list holds")


class CacheSwitch(Strict):
    """`[cache]` of a project: whether identical requests may be answered from what was answered before."""

    on: bool = False


class Cache(CacheSwitch):
    """`[cache]` of the user's file."""

    size: Size = Field(default="512MB", validate_default=True, description="on disk; the oldest go first")
