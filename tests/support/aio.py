"""Run one coroutine to its end, for tests that are plain functions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coro: Coroutine[Any, Any, T]) -> T:
    """A fresh loop a test; what the coroutine returns or raises."""
    return asyncio.run(coro)
