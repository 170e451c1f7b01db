"""The screen as files to show to others: an SVG that asks nobody for fonts, and the same as text."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from textual.app import App

FONTS = "monospace"  # the viewer knows best which; some look no further than the first name
_FACES = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_FAMILY = re.compile(r"font-family: (?:Fira Code, monospace|arial)")


def svg(app: App[Any], title: str) -> str:
    """The screen as it is, drawn."""
    return _FAMILY.sub(f"font-family: {FONTS}", _FACES.sub("", app.export_screenshot(title=title)))


def text(app: App[Any]) -> str:
    """The words of the screen, without blanks at the ends of lines."""
    strips = app.screen._compositor.render_strips()  # noqa: SLF001  there is no other way to the whole screen
    return "".join(f"{''.join(segment.text for segment in strip).rstrip()}\n" for strip in strips)


def save(app: App[Any], title: str) -> Path:
    """Write both, here or where one is at home; the file of the drawing. Raises OSError."""
    folder = Path.cwd() if os.access(Path.cwd(), os.W_OK) else Path.home()
    file = folder / time.strftime("quarterdeck-%Y%m%d-%H%M%S.svg")
    file.write_text(svg(app, title), "utf-8")
    file.with_suffix(".txt").write_text(text(app), "utf-8")
    return file
