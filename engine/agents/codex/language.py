"""Codex by `codex exec --json`: one turn, told on stdin, told of as lines; a session can be taken up again.

It can not ask for leave and takes no message in mid-turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from engine.agents import totals
from engine.agents.base import (
    Brief,
    Edited,
    Erred,
    Intends,
    Opened,
    Retries,
    Said,
    Thought,
    Tool,
    Usage,
)
from engine.agents.codex import words
from engine.agents.outcome import Claim
from engine.agents.paths import inside
from engine.agents.talking import Interpreter, Voice
from engine.agents.totals import Total

Message = Mapping[str, Any]

_RECONNECTING: Final = re.compile(r"Reconnecting\W+(?:(\d+)/\d+)?")


class Codex(Interpreter):
    """Codex's language."""

    def __init__(self, brief: Brief, voice: Voice) -> None:
        super().__init__(brief, voice)
        self._session = brief.session
        self._opened = False
        self._last = ""
        self._good: bool | None = None
        self._trouble = ""

    def begin(self, task: str) -> None:
        """Its prompt; it reads to the end before it begins."""
        self.voice.write(task.encode("utf-8", "replace"))
        self.voice.hush()

    def claim(self) -> Claim:
        """Whether its turn was completed, and its last message."""
        return Claim(good=self._good, text=self._last, detail=self._trouble)

    def hear(self, message: dict[str, Any]) -> None:
        """It printed this."""
        match message.get("type"):
            case "thread.started":
                self._session = str(message["thread_id"])
            case "item.started" | "item.updated" | "item.completed":
                self._open()
                self._item(message["item"], ended=message["type"] == "item.completed")
            case "turn.completed":
                self._open()
                self._completed(message.get("usage") or {})
            case "turn.failed":
                self._failed(str(message["error"]["message"]))
            case "error":
                self._troubled(str(message["message"]))
            case _:
                pass

    def _open(self) -> None:
        """A session is one once something has happened in it: an empty one can not be taken up again."""
        if not self._opened:
            self._opened = True
            self.voice.tell(Opened(session=self._session, model=self.brief.model))

    def _item(self, item: Message, *, ended: bool) -> None:
        match item.get("type"):
            case "agent_message" if ended:
                self._last = str(item["text"])
                self.voice.tell(Said(text=f"{self._last}\n", message=str(item["id"])))
            case "reasoning" if ended:
                self.voice.tell(Thought(text=f"{item['text']}\n"))
            case "command_execution":
                self.voice.tell(words.command(item))
            case "file_change":
                self._changed(item, ended=ended)
            case "todo_list":
                self.voice.tell(Intends(steps=tuple(words.steps(item["items"]))))
            case "error" if ended:
                self.voice.tell(Erred(text=str(item["message"])))
            case "web_search" | "mcp_tool_call" as kind:
                self.voice.tell(words.other(item, kind, ended=ended))
            case _:
                pass

    def _changed(self, item: Message, *, ended: bool) -> None:
        """Files that it patched; it tells the paths only."""
        paths = tuple(inside(self.brief.clone, str(change["path"])) for change in item["changes"])
        title = f"patch {', '.join(paths)}"
        self.voice.tell(Tool(id=str(item["id"]), title=title, kind="edit", status=words.status_of(item), paths=paths))
        for path in paths if ended and item.get("status") == "completed" else ():
            self.voice.tell(Edited(path=path))

    def _completed(self, usage: Message) -> None:
        """Its turn is through. The count is the whole thread's, so that what was counted before is taken off."""
        self._good, self._trouble = True, ""
        known, now = totals.before(self.brief.session), Total(words.tokens_of(usage))
        totals.remember(self._session, now)
        if known is not None:
            self.voice.tell(Usage(tokens=(now - known).tokens, scope="session", model=self.brief.model))
        self.voice.over()

    def _failed(self, why: str) -> None:
        self._good, self._trouble = False, why
        self.voice.tell(Erred(text=why, status=words.http(why)))
        self.voice.over()

    def _troubled(self, why: str) -> None:
        """It tries again, or its turn is about to fail; that it fails is told once more."""
        if tries := _RECONNECTING.match(why):
            self.voice.tell(Retries(attempt=int(tries[1] or 1), status=words.http(why)))
        else:
            self._trouble = why
