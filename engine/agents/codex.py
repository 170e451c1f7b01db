"""Codex by `codex exec --json`: one turn, told on stdin, told of as lines; a session can be taken up again.

It can not ask for leave and takes no message in mid-turn. Everything that it must know is on its command line, so that
it needs no file of ours in a HOME that may be a person's; the key is in its environment.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
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
    Status,
    Step,
    Thought,
    Tool,
    Usage,
)
from engine.agents.environment import usual
from engine.agents.outcome import Claim
from engine.agents.paths import inside
from engine.agents.profiles import Profile
from engine.agents.talking import Interpreter, TalkingAdapter, Voice
from engine.agents.totals import Total
from engine.core.values import Tokens

Message = Mapping[str, Any]

PROVIDER: Final = "quarterdeck"
DAY_MS: Final = 86_400_000
MOST_SHOWN: Final = 4000
"""Characters of a command's output that are passed on."""
_STATUS: Final[Mapping[object, Status]] = {"in_progress": "running", "completed": "done"}
_HTTP: Final = re.compile(r"\bstatus:? (\d{3})\b")
_RECONNECTING: Final = re.compile(r"Reconnecting\W+(?:(\d+)/\d+)?")
_WITHOUT: Final = ("plugins", "apps", "daemon_auto_start", "unbounded_connection_retries")
"""Features that ask others than the gateway, outlive an assignment, or wait for a network for ever."""


def arguments(brief: Brief) -> Sequence[str]:
    """One turn, its prompt on stdin."""
    return (
        *("exec", *(("resume",) if brief.session else ())),
        *("--json", "--skip-git-repo-check"),
        *(("-m", brief.model) if brief.model else ()),
        *(part for key, value in settings(brief).items() for part in ("-c", f"{key}={json.dumps(value)}")),
        *((brief.session,) if brief.session else ()),
        "-",
    )


def settings(brief: Brief) -> Mapping[str, object]:
    """Its settings; each value is TOML when it is written as JSON."""
    quiet = {"check_for_update_on_startup": False, "analytics.enabled": False, "feedback.enabled": False}
    off = {f"features.{name}": False for name in _WITHOUT}
    return {"approval_policy": "never", **_sandbox(brief), **_provider(brief), **quiet, **off}


def _sandbox(brief: Brief) -> Mapping[str, object]:
    """Its own sandbox only where it is in none of ours: they do not nest, and ours holds whatever it starts."""
    if brief.home != Path("/"):
        return {"sandbox_mode": "danger-full-access"}
    boxes = [str(brief.inbox), str(brief.outbox)]
    return {"sandbox_mode": "workspace-write", "sandbox_workspace_write.writable_roots": boxes}


def _provider(brief: Brief) -> Mapping[str, object]:
    """The gateway, with few tries of its own and all patience: a request may be held there for as long as a day."""
    base = brief.bases.get("openai")
    if not base:
        return {}
    at = f"model_providers.{PROVIDER}"
    key = {f"{at}.env_key": "OPENAI_API_KEY"} if brief.token else {f"{at}.requires_openai_auth": True}
    return key | {
        "model_provider": PROVIDER,
        f"{at}.name": "Quarterdeck",
        f"{at}.base_url": f"{base}/v1",
        f"{at}.wire_api": "responses",
        f"{at}.request_max_retries": 1,
        f"{at}.stream_max_retries": 1,
        f"{at}.stream_idle_timeout_ms": DAY_MS,
        f"{at}.supports_websockets": False,
    }


def environment(brief: Brief) -> Mapping[str, str]:
    """The key, where there is one."""
    return {name: value for name, value in usual(brief.bases, brief.token).items() if value}


PROFILE: Final = Profile(
    name="codex",
    title="Codex",
    program=("codex",),
    kind="openai",
    arguments=arguments,
    environment=environment,
)


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
                self.voice.tell(_command(item))
            case "file_change":
                self._changed(item, ended=ended)
            case "todo_list":
                self.voice.tell(Intends(steps=tuple(_steps(item["items"]))))
            case "error" if ended:
                self.voice.tell(Erred(text=str(item["message"])))
            case "web_search" | "mcp_tool_call" as kind:
                self.voice.tell(_other(item, kind, ended=ended))
            case _:
                pass

    def _changed(self, item: Message, *, ended: bool) -> None:
        """Files that it patched; it tells the paths only."""
        paths = tuple(inside(self.brief.clone, str(change["path"])) for change in item["changes"])
        title = f"patch {', '.join(paths)}"
        self.voice.tell(Tool(id=str(item["id"]), title=title, kind="edit", status=_status(item), paths=paths))
        for path in paths if ended and item.get("status") == "completed" else ():
            self.voice.tell(Edited(path=path))

    def _completed(self, usage: Message) -> None:
        """Its turn is through. The count is the whole thread's, so that what was counted before is taken off."""
        self._good, self._trouble = True, ""
        known, now = totals.before(self.brief.session), Total(_tokens(usage))
        totals.remember(self._session, now)
        if known is not None:
            self.voice.tell(Usage(tokens=(now - known).tokens, scope="session", model=self.brief.model))
        self.voice.over()

    def _failed(self, why: str) -> None:
        self._good, self._trouble = False, why
        self.voice.tell(Erred(text=why, status=_http(why)))
        self.voice.over()

    def _troubled(self, why: str) -> None:
        """It tries again, or its turn is about to fail; that it fails is told once more."""
        if tries := _RECONNECTING.match(why):
            self.voice.tell(Retries(attempt=int(tries[1] or 1), status=_http(why)))
        else:
            self._trouble = why


def _command(item: Message) -> Tool:
    line, code = _line(str(item["command"])), item.get("exit_code")
    return Tool(
        id=str(item["id"]),
        title=line,
        kind="execute",
        status=_status(item),
        input=line,
        output=str(item.get("aggregated_output") or "")[:MOST_SHOWN],
        exit=code if isinstance(code, int) else None,
    )


def _line(command: str) -> str:
    """The shell line in `/bin/bash -lc '...'`."""
    try:
        parts = shlex.split(command)
    except ValueError:
        return command
    return parts[2] if len(parts) == 3 and parts[1] in ("-c", "-lc") else command


def _other(item: Message, kind: str, *, ended: bool) -> Tool:
    search = kind == "web_search"
    title = f"search {item.get('query', '')}" if search else f"{item.get('server', '')} {item.get('tool', '')}"
    status = _status(item) if "status" in item else ("done" if ended else "running")
    return Tool(id=str(item["id"]), title=title.strip(), kind="fetch" if search else "other", status=status)


def _steps(items: Sequence[Message]) -> Iterable[Step]:
    return (Step(text=str(item["text"]), status="done" if item.get("completed") else "pending") for item in items)


def _status(item: Message) -> Status:
    return _STATUS.get(item.get("status"), "failed")


def _tokens(usage: Message) -> Tokens:
    """As the record counts them: its input holds what came from a cache, or went there."""
    read, written = _count(usage, "cached_input_tokens"), _count(usage, "cache_write_input_tokens")
    fresh = max(0, _count(usage, "input_tokens") - read - written)
    return Tokens(input=fresh, output=_count(usage, "output_tokens"), cache_read=read, cache_write=written)


def _count(usage: Message, name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value >= 0 else 0


def _http(text: str) -> int:
    status = _HTTP.search(text)
    return int(status[1]) if status else 0


def codex() -> TalkingAdapter:
    """The adapter."""
    return TalkingAdapter(PROFILE, Codex)
