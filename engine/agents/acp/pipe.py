"""The SDK's transport over a program that a keeper runs: messages go out through `say`, and come in as they are heard.

The SDK would rather start the program itself; then nobody could confine, freeze or end its whole tree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

Message = dict[str, Any]


class Pipe:
    """JSON-RPC messages, both ways. Those that the connection has not taken yet wait here."""

    def __init__(self, say: Callable[[Mapping[str, Any]], None]) -> None:
        self._say = say
        self._heard: asyncio.Queue[Message | None] = asyncio.Queue()

    def hear(self, message: Message) -> None:
        """The program said this. Raises `ValueError` for what would end the connection for all the rest."""
        if not isinstance(message.get("id"), str | int | None) or not isinstance(message.get("error"), dict | None):
            raise ValueError("its `id` or its `error` is none")
        self._heard.put_nowait(message)

    def end(self) -> None:
        """The program says nothing more: who still waits for an answer of it hears that the connection is closed."""
        self._heard.put_nowait(None)

    async def send(self, message: Message) -> None:
        """For the SDK: say a message."""
        self._say(message)

    async def receive(self) -> Message | None:
        """For the SDK: the next message, None after the last."""
        return await self._heard.get()

    async def close(self) -> None:
        """For the SDK. The program's input is closed by its session."""
