"""Keys take their effect one after another, however fast they come.

Textual gives a key to whoever has the focus when the key is read, and bubbles it from there through one queue after
another; by the time it opens a dialog, the keys typed behind it are on their way to what lies below. What was meant as
a message would pause and kill. So a key waits here until the one before it has come to its end, and until a layer that
it opens has the focus. What is pasted waits as keys do; the keys that leave never wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.events import Key, Paste

AT_ONCE = {"ctrl+c", "ctrl+q", "ctrl+z"}
PATIENCE, LOOK = 1.0, 0.03
"""Seconds after which a key is given whatever has become of the one before, for nothing may hold the keyboard for ever;
and between two looks whether what the one before was given to is still there."""
LAYER, FOCUS = "a layer", "its focus"


class Turns:
    """Gives keys to `app` by `give`, the app's own way of handling them."""

    def __init__(self, app: App[Any], give: Callable[[Key | Paste], Awaitable[None]]) -> None:
        self._app, self._give = app, give
        self._held: deque[Key | Paste] = deque()
        self._awaited: set[object] = set()
        self._since = 0.0
        self._at: DOMNode = app
        self._looking: asyncio.TimerHandle | None = None

    async def take(self, event: Key | Paste) -> None:
        """A key or a paste from the terminal: given now, or when those before it are done."""
        if isinstance(event, Key) and event.key in AT_ONCE:
            await self._give(event)
            return
        self._held.append(event)
        await self._next()
        if self._held and self._looking is None:
            self._look_again()

    def expect_layer(self) -> None:
        """What is done now opens a layer, which the next keys are for."""
        self._await(LAYER)

    def layer_came(self, *_: object) -> None:
        """It is there, or will not come."""
        self._came(LAYER)

    async def _next(self) -> None:
        if self._awaited or not self._held:
            return
        event, end = self._held.popleft(), object()
        self._await(end)
        way = iter((self._app.focused or self._app.screen).ancestors_with_self)
        await self._give(event)
        self._follow(way, end)

    def _await(self, what: object) -> None:
        self._awaited.add(what)
        self._since = time.monotonic()

    def _follow(self, way: Iterator[DOMNode], end: object) -> None:
        """Go behind the key through the queues that it bubbles through."""
        for node in way:
            self._at = node
            if node.call_later(self._follow, way, end):
                return
        self._came(end)

    def _look_again(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(LOOK, self._look)

    def _look(self) -> None:
        """A layer that goes with the key that closes it takes along what was behind that key in its queue."""
        self._looking = None
        gone = not self._at.is_attached and LAYER not in self._awaited
        if self._held and (gone or time.monotonic() - self._since > PATIENCE):
            self._awaited.clear()
            self._app.call_later(self._next)
        if self._held:
            self._look_again()

    def _came(self, what: object) -> None:
        if what not in self._awaited:
            return  # too late: it was not waited for any longer
        self._awaited.discard(what)
        if not self._awaited:
            self._await(FOCUS)
            with suppress(ScreenStackError):  # left meanwhile
                self._at = self._app.screen
                self._at.call_later(self._focused)  # a new layer takes it up once it is composed

    def _focused(self) -> None:
        self._awaited.discard(FOCUS)
        self._app.call_later(self._next)
