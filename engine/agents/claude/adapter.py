"""Claude Code, as a crew names it."""

from __future__ import annotations

from engine.agents.claude.language import Claude
from engine.agents.claude.profile import PROFILE
from engine.agents.talking import TalkingAdapter


def claude() -> TalkingAdapter:
    """The adapter."""
    return TalkingAdapter(PROFILE, Claude)
