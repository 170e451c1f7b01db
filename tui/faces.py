"""The states there are to show, each with one glyph, here and nowhere else: lines and the dashboard look alike.

Colour is never the only signal: a state is a glyph, a word and then a colour. Where the output is no UTF-8, each glyph
has an ASCII sign of the same width.
"""

from __future__ import annotations

from typing import Literal, get_args

Face = Literal["good", "bad", "busy", "claim", "ask", "wait", "frozen", "ended", "note", "plan", "idle"]

GLYPHS: dict[Face, tuple[str, str]] = {
    "good": ("✓", "+"),
    "bad": ("✗", "x"),
    "busy": ("▶", ">"),
    "claim": ("●", "*"),
    "ask": ("?", "?"),
    "wait": ("…", "~"),
    "frozen": ("‖", "="),
    "ended": ("■", "#"),
    "note": ("!", "!"),
    "plan": ("·", "-"),
    "idle": ("○", "o"),
}
"""Face -> glyph and its ASCII sign, one cell each."""

AGENT_FACES: dict[str, Face] = {
    "idle": "idle", "starting": "busy", "working": "busy", "waiting": "wait", "paused": "frozen", "stopping": "wait",
    "killing": "wait", "unkillable": "bad", "stopped": "ended", "failed": "bad",
}  # fmt: skip
TASK_FACES: dict[str, Face] = {
    "waiting": "idle", "ready": "plan", "running": "busy", "claimed": "claim", "checking": "busy", "reviewing": "busy",
    "merging": "busy", "done": "good", "failed": "bad", "blocked": "bad", "cancelled": "ended", "needs_human": "ask",
}  # fmt: skip
RUN_FACES: dict[str, Face] = {"running": "busy", "verified": "good", "failed": "bad", "needs_human": "ask"}

ASCII = str.maketrans(
    dict(GLYPHS.values())
    | {"│": "|", "─": "-", "├": "+", "└": "+", "┌": "+", "┐": "+", "┘": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+"}
    | {
        "╭": "+",
        "╮": "+",
        "╯": "+",
        "╰": "+",
        "\u00d7": "x",
        "→": ">",
        "↑": "^",
        "↓": "v",
        "▸": ">",
        "▾": "v",
        "█": "#",
    }
)
"""For `str.translate`: every sign that views draw themselves, as ASCII of the same width."""


def run_face(state: str) -> Face:
    """The face of a run's state, or of its outcome."""
    return RUN_FACES.get(state, "wait" if state == "budget" else "ended")


FACES: tuple[Face, ...] = get_args(Face)
