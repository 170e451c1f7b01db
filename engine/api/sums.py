"""Sums as `status --json` prints them."""

from __future__ import annotations

from typing import Any

from engine.core.values import Amount, Tokens


def usage(tokens: Tokens) -> dict[str, int]:
    """Tokens, split as vendors price them."""
    return {
        "input": tokens.input,
        "output": tokens.output,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
    }


def amount(of: Amount) -> dict[str, Any]:
    """Money and tokens; None: not limited."""
    return {"usd": of.usd, "tokens": of.tokens}
