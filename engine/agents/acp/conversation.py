"""A session with an agent that speaks the protocol: greeting, opening, one turn or more, and an end in order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from engine.agents.acp.client import Listener
from engine.agents.acp.profiles import AcpProfile
from engine.agents.acp.words import Greeting, Opening, PeerGarbled, PeerRefused, Reply
from engine.agents.base import Brief, Erred, Notice, Opened, Usage
from engine.agents.outcome import Claim
from engine.agents.talking import Voice
from engine.core.values import Tokens

if TYPE_CHECKING:
    from engine.agents.acp.peer import Peer

AUTH_REQUIRED: Final = -32000
LEAVE_SECONDS: Final = 2.0
"""For the end of a session whose work is done."""
_ENDS: Final = {
    "max_tokens": "its turn ended at the limit of tokens",
    "max_turn_requests": "its turn ended at the limit of requests",
    "refusal": "the model refused to go on",
    "cancelled": "its turn was broken off",
}


class Conversation:
    """Over one connection. `claim` is what it has come to, as far as it got."""

    def __init__(self, peer: Peer, listener: Listener, profile: AcpProfile, brief: Brief, voice: Voice) -> None:
        self._peer, self._listener, self._profile = peer, listener, profile
        self._brief, self._voice = brief, voice
        self._turns: set[asyncio.Task[Reply | None]] = set()
        self._interrupted = False
        self.claim = Claim()

    async def hold(self, task: str) -> None:
        """From the greeting to the end. Raises nothing: what goes wrong is told, and stands in the claim."""
        try:
            greeting = await self._peer.greet()
            await self._open(greeting)
            self._turn(self._peer.prompt(task))
            await self._turns_to_come()
            await self._leave(greeting)
        except PeerRefused as error:
            self._voice.tell(Erred(text=error.text, status=error.status))
            self.claim = Claim(good=False, detail=error.text)
        except PeerGarbled as error:
            self.claim = Claim(good=False, detail=str(error))
        except ConnectionError:
            pass  # the program is gone; how that was, is told by who waits for it
        finally:
            await self._close()

    def steer(self, text: str) -> bool:
        """Into the running turn, in the way that this agent has for it; False: it has none."""
        how = self._profile.steers
        if not how or not self._turns or self._interrupted:
            return False
        self._turn(self._peer.prompt(text) if how == "prompt" else self._steer(how, text))
        return True

    def interrupt(self) -> bool:
        """Break the turn off; False: there is none."""
        if not self._turns:
            return False
        self._interrupted = True
        self._listener.silence()  # as the protocol wants it
        self._turn(self._peer.cancel())
        return True

    async def _open(self, greeting: Greeting) -> None:
        try:
            opening = await self._session(greeting)
        except PeerRefused as error:
            if error.code != AUTH_REQUIRED or not self._profile.login:
                raise
            await self._peer.authenticate(self._profile.login)
            opening = await self._peer.begin()
        await self._settle(opening)
        model = self._brief.model or opening.model
        self._voice.tell(Opened(session=opening.session, version=greeting.version, model=model))

    async def _session(self, greeting: Greeting) -> Opening:
        """The earlier one where that can be, else a new one; some offer to take one up and know no such request."""
        earlier, peer = self._brief.session, self._peer
        ways = [way for way, has in ((peer.resume, greeting.resumes), (peer.load, greeting.loads)) if earlier and has]
        refusal = ""
        for way in ways:
            try:
                return await way(earlier)
            except (PeerRefused, PeerGarbled) as error:
                refusal = str(error)
        if refusal:
            self._voice.tell(Notice(text=f"its earlier session can not be taken up, a new one begins: {refusal}"))
        return await peer.begin()

    async def _settle(self, opening: Opening) -> None:
        """The mode in which it asks, and the model, where it offers them."""
        mode, model = self._profile.mode(self._brief), self._brief.model
        if mode != opening.mode and mode in opening.modes:
            await self._peer.set_mode(mode)
        if model != opening.model and model in opening.models:
            await self._peer.set_option(opening.model_setting, model)

    async def _turns_to_come(self) -> None:
        """Until no turn is open any more; what it is told meanwhile is one more."""
        while self._turns:
            done, _ = await asyncio.wait(self._turns, return_when=asyncio.FIRST_COMPLETED)
            self._turns -= done
            for turn in done:
                if reply := turn.result():
                    self._end_turn(reply)

    def _turn(self, what: Coroutine[None, None, Reply | None]) -> None:
        self._turns.add(asyncio.create_task(what, name=f"turn of agent {self._brief.agent}"))

    async def _steer(self, method: str, text: str) -> Reply | None:
        """By a request of its own; where no turn was running any more, it is the next prompt."""
        with suppress(PeerRefused):
            if await self._peer.steer(method, text):
                return None
        return await self._peer.prompt(text)

    def _end_turn(self, reply: Reply) -> None:
        self._tell_usage(reply)
        refusals, trouble = self._listener.refusals(), self._listener.end_turn()
        if refusals and not self._interrupted and reply.stop in ("cancelled", self._profile.refused):
            self._turn(self._peer.prompt(refused(refusals)))
            return
        self.claim = Claim(good=reply.stop == "end_turn" and not trouble, detail=_ENDS.get(reply.stop, trouble))

    def _tell_usage(self, reply: Reply) -> None:
        tokens, scope = self._profile.usage(reply)
        cost = self._listener.cost()
        if tokens is not None or cost:
            told = Usage(tokens=tokens or Tokens(), usd=f"{cost:f}", scope=scope, model=self._brief.model)
            self._voice.tell(told)

    async def _leave(self, greeting: Greeting) -> None:
        """What it started for the session ends by its own hand, where it has one for that."""
        if self._profile.leaves and greeting.closes:
            with suppress(PeerRefused, PeerGarbled, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._peer.leave()
            await asyncio.sleep(self._profile.leaves)

    async def _close(self) -> None:
        for turn in self._turns:
            turn.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        self._turns.clear()


def refused(reasons: list[str]) -> str:
    """What an agent is told whose turn was ended by a refusal."""
    why = "; ".join(reason for reason in reasons if reason)
    return f"What you asked leave for was refused{f': {why}' if why else ''}. Go on without it."
