"""Pictures of the screen that are kept: an SVG to look at and its text to compare by eye in a review.

A picture that differs fails the test and is put beside the kept one as `NAME.new.svg`; with QD_UPDATE_SNAPSHOTS=1 it
takes the place of the kept one. Run ids and names that Textual makes anew each time are written out of the SVG.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from textual.app import App

FOLDER = Path(__file__).parent.parent / "tui" / "snapshots"
UPDATE = "QD_UPDATE_SNAPSHOTS"
_MADE_UP = re.compile(r"terminal-\d+")


class Differs(AssertionError):
    """The screen is not as it was; the message has the lines that differ."""


def check(app: App[Any], name: str, *, folder: Path = FOLDER) -> None:
    """Compare the screen of an app with the one kept under a name. Raises Differs."""
    picture, text = svg_of(app), text_of(app)
    kept, kept_text = folder / f"{name}.svg", folder / f"{name}.txt"
    if os.environ.get(UPDATE):
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(picture, "utf-8")
        kept_text.write_text(text, "utf-8")
    if not kept.exists():
        raise Differs(f"there is no picture {kept} yet; make it with {UPDATE}=1 and look at it")
    if picture != kept.read_text("utf-8"):
        kept.with_suffix(".new.svg").write_text(picture, "utf-8")
        raise Differs(f"{name} looks different:\n{_told(kept_text.read_text('utf-8'), text)}")
    kept.with_suffix(".new.svg").unlink(missing_ok=True)


def svg_of(app: App[Any]) -> str:
    """The screen as an SVG that is the same for the same screen."""
    return _MADE_UP.sub("terminal", app.export_screenshot(title="Quarterdeck"))


def text_of(app: App[Any]) -> str:
    """The screen as text, without blanks at the ends of lines."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"


def _told(kept: str, now: str) -> str:
    before, after = kept.split("\n"), now.split("\n")
    height = max(len(before), len(after))
    pairs = zip(before + [""] * (height - len(before)), after + [""] * (height - len(after)), strict=True)
    told = [f"line {y}:\n  was {old}\n  is  {new}" for y, (old, new) in enumerate(pairs) if old != new]
    return "\n".join(told) or "the text is the same; the looks are not"
