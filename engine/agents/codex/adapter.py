"""Codex, as a crew names it."""

from __future__ import annotations

from engine.agents.codex.language import Codex
from engine.agents.codex.profile import PROFILE
from engine.agents.talking import TalkingAdapter


def codex() -> TalkingAdapter:
    """The adapter."""
    return TalkingAdapter(PROFILE, Codex)
