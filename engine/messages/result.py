"""The `result.json` that a program leaves at its end: what it claims, spent, planned or found in a review.

A missing file is no error (exit 0 claims success); a file that is there is read strictly. The plan in it is checked
by the plan's own schema, later.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.core.values import Tokens
from engine.messages.errors import Refused, ResultRefused
from engine.messages.hostile import checked, load

MOST_USD = Decimal(1_000_000)
FINEST_USD = Decimal("1e-12")
Count = Annotated[int, Field(ge=0, le=10**15)]


def _money(given: object) -> str:
    """A decimal string of dollars; a JSON number is taken too, as programs print one."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError("must be a decimal number of dollars")
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        raise ValueError("must be a decimal number of dollars") from None
    if not amount.is_finite() or not 0 <= amount <= MOST_USD:
        raise ValueError(f"must be between 0 and {MOST_USD}")
    return f"{amount.quantize(FINEST_USD).normalize():f}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Usage(_Strict):
    """Tokens by how they are priced, and dollars as a decimal string: the agent's own word."""

    input: Count = 0
    output: Count = 0
    cache_read: Count = 0
    cache_write: Count = 0
    usd: Annotated[str, BeforeValidator(_money)] = "0"

    @property
    def tokens(self) -> Tokens:
        """The four counts as the record holds them."""
        return Tokens(input=self.input, output=self.output, cache_read=self.cache_read, cache_write=self.cache_write)


class ReviewResult(_Strict):
    """What a reviewer found."""

    verdict: Literal["approve", "reject"]
    remarks: str = ""


class Result(_Strict):
    """What a program says of its own work."""

    outcome: Literal["done", "failed", "blocked"] = "done"
    summary: str = ""
    confidence: float | None = Field(default=None, ge=0, le=1)
    usage: Usage = Usage()
    plan: dict[str, Any] | None = None
    review: ReviewResult | None = None


def parse_result(raw: bytes) -> Result:
    """The result in these bytes. Raises `ResultRefused`, and nothing else."""
    try:
        return checked(Result, load(raw))
    except Refused as error:
        raise ResultRefused(error.reason, error.field) from None
