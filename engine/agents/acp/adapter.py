"""Any agent that speaks the protocol, as the crew's `command` names it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from engine.agents.acp.language import AcpLanguage
from engine.agents.acp.profiles import profile_of
from engine.agents.base import Brief, Keeper, NoCommand, OnUpdate, Session
from engine.agents.talking import TalkingAdapter


class AcpAdapter:
    """Starts `brief.command`, with what is peculiar to the program in it."""

    scripted = False

    def home(self, brief: Brief) -> Mapping[str, bytes]:
        """The profile's."""
        return _adapter(brief).home(brief)

    def environment(self, brief: Brief) -> Mapping[str, str]:
        """The profile's."""
        return _adapter(brief).environment(brief)

    async def start(self, brief: Brief, keeper: Keeper, on_update: OnUpdate) -> Session:
        """Start the program, greet it and tell it its task."""
        if not brief.command:
            raise NoCommand(brief.agent, 'what starts an agent of the protocol, as ["claude-agent-acp"]')
        return await _adapter(brief).start(brief, keeper, on_update)


def _adapter(brief: Brief) -> TalkingAdapter:
    profile = profile_of(brief.command)
    return TalkingAdapter(profile, partial(AcpLanguage, profile))
