"""What an agent tells, as a transcript that a person reads; the lines it was read from are kept beside it.

Everything in it is a stranger's text and is made harmless on its way; both files have a cap. The engine's own words
about an agent (usage, how full its context is) are no part of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from engine.agents import base
from engine.agents.base import Brief, Held, OnUpdate, Opened, Text, Tool, Update
from engine.core.text import clean, clean_lines
from engine.processes.rings import LOG_BYTES, LogFile

MOST_LINES: Final = 12
MOST_COLUMNS: Final = 400
"""Of what a tool put in or gave out; the whole of it is in the raw lines."""
_MARKS: Final = {"pending": " ", "running": "-", "done": "x"}


class Page:
    """Renders updates in order; pure. Portions of one message go on where the last one ended."""

    def __init__(self) -> None:
        self._voice: tuple[str, str] | None = None
        self._in_line = False
        self._begun: set[str] = set()
        self._who = ""

    def render(self, update: Update) -> str:
        """What comes onto the page for it; empty for what is not shown there."""
        match update:
            case base.Said(text=text, message=message):
                return self._portion(("said", message), text)
            case base.Thought(text=text):
                return self._portion(("thought", ""), text)
            case base.Tool():
                return self._tool(update)
            case base.Opened():
                return self._opened(update)
            case _:
                return self._lines(_words(update))

    def end(self) -> str:
        """What is missing to a full last line."""
        self._voice = None
        end, self._in_line = "\n" if self._in_line else "", False
        return end

    def _portion(self, voice: tuple[str, str], text: str) -> str:
        shown, before = "\n".join(map(clean, text.split("\n"))), ""
        if voice != self._voice:
            shown = shown.lstrip("\n")
            before = self.end() + ("(thinks) " if voice[0] == "thought" else "") if shown else ""
        if not shown:
            return ""
        self._voice, self._in_line = voice, not shown.endswith("\n")
        return before + shown

    def _opened(self, opened: Opened) -> str:
        """Who answers, where that is new: it is told again with each thing that is known."""
        who = ", ".join(clean(part) for part in (opened.version, opened.model) if part)
        known, self._who = self._who, who or self._who
        return self._lines(f"[{who}]") if who and who != known else ""

    def _tool(self, tool: Tool) -> str:
        text = ""
        told = tool.input or (tool.title and tool.status != "pending")  # a pending one may be named later
        if told and tool.id not in self._begun:
            self._begun.add(tool.id)
            text = f"> {tool.kind}: {_cut(tool.title or tool.input, 1)}"
        if tool.status in ("done", "failed"):
            text += ("\n" if text else "") + _ending(tool)
        return self._lines(text)

    def _lines(self, text: str) -> str:
        """Full lines of ours, after whatever was being said."""
        return f"{self.end()}{text}\n" if text else ""


def _ending(tool: Tool) -> str:
    how = "failed" if tool.status == "failed" else "done"
    status = f", exit status {tool.exit}" if tool.exit else ""
    shown = _cut(tool.output, MOST_LINES)
    return f"  {how}{status}" + "".join(f"\n  | {line}" for line in shown.splitlines())


def _words(update: Update) -> str:
    match update:
        case base.Edited(path=path):
            return f"> changed {clean(path)}"
        case base.Intends(steps=steps):
            return "\n".join(f"[{_MARKS[step.status]}] {clean(step.text)}" for step in steps)
        case base.Asks(tool=tool, command=command):
            return f"? asks leave to {tool.kind}: {_cut(command or tool.title, 1)}"
        case base.Retries(attempt=attempt, seconds=seconds, status=status):
            return f"! request failed ({status or 'no answer'}), tried again ({attempt}) in {seconds:.0f} s"
        case base.Erred(text=text):
            return f"! {_cut(text, MOST_LINES)}"
        case base.Notice(text=text):
            return f"! {_cut(text, MOST_LINES)}"
        case _:
            return ""


def _cut(text: str, lines: int) -> str:
    """The first lines of a text, each no wider than can be read, and how many were left out."""
    all_lines = clean_lines(text).strip("\n").splitlines()
    shown = [line if len(line) <= MOST_COLUMNS else f"{line[:MOST_COLUMNS]}…" for line in all_lines[:lines]]
    if len(all_lines) > lines:
        more = len(all_lines) - lines
        shown = [*shown[:-1], f"{shown[-1]} … ({more} more)"] if lines == 1 else [*shown, f"… ({more} more lines)"]
    return "\n".join(shown)


class Telling:
    """Writes down what an agent tells, and passes it on: first the file, then `Text`, then the update itself."""

    def __init__(self, brief: Brief, on_update: OnUpdate) -> None:
        cap = brief.limits.log or LOG_BYTES
        self._page = Page()
        self._on_update = on_update
        self._transcript = LogFile(brief.transcript, cap)
        self._raw = LogFile(raw_lines(brief.transcript), cap)
        self._held = False

    def tell(self, update: Update) -> None:
        """Write it down as far as it is shown, and pass it on."""
        self._write(self._page.render(update))
        self._on_update(update)

    def keep(self, line: bytes) -> None:
        """A line as the program printed it."""
        self._raw.write(line + b"\n")

    def close(self) -> None:
        """Nothing more comes."""
        self._write(self._page.end())
        self._transcript.close()
        self._raw.close()

    def _write(self, text: str) -> None:
        if not text:
            return
        data = text.encode("utf-8", "replace")
        self._transcript.write(data)
        self._on_update(Text(data=data))
        if self._transcript.full and not self._held:
            self._held = True
            self._on_update(Held(limit="log"))


def raw_lines(transcript: Path) -> Path:
    """Where the lines are kept that a transcript was read from."""
    return transcript.with_suffix(".jsonl")
