"""When a difference is asked for: while it is looked at, when something happened since, and at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tui.bridge import ApiError, CallRefused, Difference

Ask = Callable[[str], Awaitable[Difference]]
"""The difference of the agent or task with that key. Raises CallRefused, ApiError."""
Show = Callable[[str, Difference | None, str], None]
"""Takes the key, its difference, or none and why there is none."""
REST = 1.0
"""Seconds between two questions about the same thing."""


class Differ:
    """Asks for what `want` names and gives it to `show`. `run` is its task, until cancelled."""

    def __init__(self, ask: Ask, show: Show) -> None:
        self._ask, self._show = ask, show
        self._subject = ""
        self._stale = asyncio.Event()
        self._another = asyncio.Event()

    def want(self, subject: str) -> None:
        """Look at this, by its key; at nothing if it is empty."""
        if subject != self._subject:
            self._subject = subject
            self._another.set()
            self._stale.set()

    @property
    def looks(self) -> bool:
        """Is any difference looked at?"""
        return bool(self._subject)

    def touch(self) -> None:
        """Something happened to what is looked at."""
        self._stale.set()

    async def run(self) -> None:
        """Ask when it is due."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            self._another.clear()
            if self._subject:
                await self._look(self._subject)
                await self._rest()

    async def _look(self, subject: str) -> None:
        try:
            found, why = await self._ask(subject), ""
        except CallRefused as no:
            found, why = None, no.reason
        except ApiError as error:
            found, why = None, str(error)
        if subject == self._subject:
            self._show(subject, found, why)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(REST):
                await self._another.wait()
        except TimeoutError:
            pass
