"""The protocol as an interpreter speaks it (see `talking.py`): what is heard goes to a connection, and back.

The SDK is imported here, when the program runs already, in a thread: it takes a third of a second, in which the engine
has other agents to listen to.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, Final

from engine.agents.acp.client import Listener
from engine.agents.acp.conversation import Conversation
from engine.agents.acp.pipe import Pipe
from engine.agents.acp.profiles import AcpProfile
from engine.agents.base import Brief
from engine.agents.outcome import Claim
from engine.agents.talking import Interpreter, Voice

PEER: Final = "engine.agents.acp.peer"


class AcpLanguage(Interpreter):
    """Knows the protocol, and by its profile what is peculiar to one agent."""

    def __init__(self, profile: AcpProfile, brief: Brief, voice: Voice) -> None:
        super().__init__(brief, voice)
        self._profile = profile
        self._pipe = Pipe(voice.say)
        self._listener = Listener(profile, voice)
        self._conversation: Conversation | None = None
        self._life: asyncio.Task[None] | None = None

    def begin(self, task: str) -> None:
        """Begin the conversation."""
        self._life = asyncio.create_task(self._live(task), name=f"conversation with agent {self.brief.agent}")

    def hear(self, message: dict[str, Any]) -> None:
        """For the connection."""
        self._pipe.hear(message)

    def steer(self, text: str) -> bool:
        """Into the running turn, where it can be."""
        return self._conversation is not None and self._conversation.steer(text)

    def answer(self, ask: str, *, allow: bool, why: str) -> None:
        """What is said to what it asks."""
        self._listener.answer(ask, allow=allow, why=why)

    def interrupt(self) -> bool:
        """Break its turn off, where there is one."""
        return self._conversation is not None and self._conversation.interrupt()

    async def end(self) -> None:
        """Whoever still waits for an answer of it hears that it is gone."""
        self._pipe.end()
        if self._life is not None:
            await self._life

    def claim(self) -> Claim:
        """The end of its last turn, and its last message."""
        claim = self._conversation.claim if self._conversation else Claim()
        return Claim(good=claim.good, text=self._listener.last, detail=claim.detail or self._listener.trouble)

    async def _live(self, task: str) -> None:
        module = await asyncio.to_thread(import_module, PEER)
        peer = module.Peer(self._pipe, self._listener, self.brief.clone)
        self._conversation = Conversation(peer, self._listener, self._profile, self.brief, self.voice)
        try:
            await self._conversation.hold(task)
        finally:
            self.voice.over()
            await peer.close()
