"""What an agent says and asks during its turns, kept as far as the conversation needs it, and passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from engine.agents.acp.profiles import AcpProfile
from engine.agents.base import Asks, Erred, Notice, Said, Tool, Update
from engine.agents.last import LastMessage
from engine.agents.refusals import http_status
from engine.agents.talking import Voice

MOST_MISREAD: Final = 5
"""Messages that can not be read and are worth a word each."""


class Listener:
    """The client that a connection is for (see `words.Client`)."""

    def __init__(self, profile: AcpProfile, voice: Voice) -> None:
        self._profile, self._voice = profile, voice
        self._last = LastMessage()
        self._asks: dict[str, asyncio.Future[bool | None]] = {}
        self._refusals: list[str] = []
        self._silent = False
        self._misread = 0
        self._cost = self._counted = Decimal(0)
        self._nameless = ""
        self.trouble = ""

    # -- for the connection ----------------------------------------------------------------------------------------

    def updated(self, update: Update) -> None:
        """It tells of what it does."""
        self._last.hear(update)
        if isinstance(update, Said):
            self._nameless = "" if update.message else update.text
        elif isinstance(update, Tool):
            self._nameless = ""
        self._voice.tell(update)

    def spent(self, usd: Decimal) -> None:
        """What its session cost so far; it is told with the end of the turn."""
        self._cost = usd

    def remarked(self, meta: Mapping[str, Any]) -> None:
        """Some tell of errors in this way alone."""
        trouble = self._profile.trouble(meta)
        if isinstance(trouble, Erred):
            self._fail(trouble)
        elif trouble is not None:
            self._voice.tell(trouble)

    def misread(self, problem: str) -> None:
        """The first few; an agent that speaks another protocol would say little new."""
        self._misread += 1
        if self._misread <= MOST_MISREAD:
            self._voice.tell(Notice(text=f"it sent {problem}"))

    async def asked(self, ask: Asks) -> bool | None:
        """Pass it on, with what was said before of the tool, and wait for what is said to it."""
        if self._silent:
            return None
        answer: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        self._asks[ask.id] = answer
        tool = self._voice.known(ask.tool.id) or ask.tool
        command = ask.command or (tool.title if tool.kind == "execute" else "")
        try:
            self._voice.tell(replace(ask, tool=tool, command=command))
            return await answer
        finally:
            del self._asks[ask.id]

    # -- for the conversation --------------------------------------------------------------------------------------

    @property
    def last(self) -> str:
        """Its last message."""
        return self._last.text

    def answer(self, ask: str, *, allow: bool, why: str) -> None:
        """What is said to what it asks."""
        answer = self._asks.get(ask)
        if answer is None or answer.done():
            return
        if not allow:
            self._refusals.append(why)
        answer.set_result(allow)

    def silence(self) -> None:
        """The turn is broken off: whatever it asks, or asks from now on, is not answered any more."""
        self._silent = True
        for answer in self._asks.values():
            if not answer.done():
                answer.set_result(None)

    def refusals(self) -> list[str]:
        """Why what it asked for was refused in the turn that ends, each in words or ""."""
        refusals, self._refusals = self._refusals, []
        return refusals

    def end_turn(self) -> str:
        """What went wrong, as far as the agent tells it only beside the turn's end; "" where nothing did."""
        if self._profile.nameless and (text := self._nameless.strip()):
            self._fail(Erred(text=text, status=http_status(text)))
        return self.trouble

    def _fail(self, error: Erred) -> None:
        if error.text != self.trouble:
            self.trouble = error.text
            self._voice.tell(error)

    def cost(self) -> Decimal:
        """What the turn that ends cost."""
        cost, self._counted = self._cost - self._counted, self._cost
        return max(cost, Decimal(0))
