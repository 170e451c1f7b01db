"""Claude Code by its own stream of JSON, both ways: prompts for leave, interrupts and messages go over its stdin.

It asks before every tool: its own rules, and those that a repository brings along, decide nothing. Its session is at
its end when it says that it is idle after a result; then its stdin is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from engine.agents.base import Asks, Brief, Context, Erred, Intends, Opened, Retries, Said, Thought
from engine.agents.claude import words
from engine.agents.claude.meter import Meter
from engine.agents.claude.plan import Plan
from engine.agents.outcome import Claim
from engine.agents.talking import Interpreter, Voice

Message = Mapping[str, Any]

_BEFORE_TOOLS: Final = "before-tools"


class Claude(Interpreter):
    """Claude Code's language."""

    def __init__(self, brief: Brief, voice: Voice) -> None:
        super().__init__(brief, voice)
        self._meter = Meter(brief.session)
        self._plan = Plan()
        self._opened = Opened(session=brief.session)
        self._asked: dict[str, Message] = {}
        self._streamed: set[str] = set()
        self._queued: set[str] = set()
        self._claim: Claim | None = None
        self._state = ""
        self._through = self._interrupted = False

    def begin(self, task: str) -> None:
        """Have it ask before every tool, and tell it the task."""
        hooks = {"PreToolUse": [{"matcher": None, "hookCallbackIds": [_BEFORE_TOOLS]}]}
        self._request({"subtype": "initialize", "hooks": hooks})
        self._tell(task)

    def steer(self, text: str) -> bool:
        """A message in mid-turn is read at its next step."""
        if self._through or self._state == "idle":
            return False
        self._tell(text)
        return True

    def answer(self, ask: str, *, allow: bool, why: str) -> None:
        """It goes on with what it asked for, or is told why not."""
        asked = self._asked.pop(ask, None)
        if asked is None or self._through:
            return
        denied = {"behavior": "deny", "message": why or "This is not allowed here. Go on without it."}
        self._respond(ask, {"behavior": "allow", "updatedInput": asked["input"]} if allow else denied)

    def interrupt(self) -> bool:
        """It ends its turn, with the tools that run."""
        if not self._through:
            self._interrupted = True
            self._request({"subtype": "interrupt"})
        return True

    def claim(self) -> Claim:
        """What its last result says."""
        return self._claim or Claim()

    def hear(self, message: dict[str, Any]) -> None:
        """It printed this."""
        match message.get("type"):
            case "system":
                self._system(message)
            case "stream_event":
                self._portion(message, message["event"])
            case "assistant":
                self._said(message, message["message"])
            case "user":
                self._returned(message)
            case "result":
                self._ended(message)
            case "control_request":
                self._asks(str(message["request_id"]), message["request"])
            case "control_cancel_request":
                self._asked.pop(str(message.get("request_id")), None)
            case "command_lifecycle":
                self._delivered(message)
            case _:
                pass

    def _system(self, message: Message) -> None:
        match message.get("subtype"):
            case "init":
                self._open(model=str(message.get("model", "")), version=str(message.get("claude_code_version", "")))
            case "api_retry":
                seconds = float(message.get("retry_delay_ms") or 0) / 1000
                status = int(message.get("error_status") or 0)
                self.voice.tell(Retries(attempt=int(message.get("attempt") or 0), seconds=seconds, status=status))
            case "session_state_changed":
                self._state = str(message.get("state"))
                self._see_whether_through()
            case _:
                pass

    def _open(self, *, session: str = "", model: str = "", version: str = "") -> None:
        """Tell who answers, once each time that more is known. A session is one once a model has answered in it."""
        known = self._opened
        now = Opened(
            session=session or known.session,
            version=known.version or (f"Claude Code {version}" if version else ""),
            model=known.model or model,
        )
        if now != known:
            self._opened = now
            self.voice.tell(now)

    def _portion(self, message: Message, event: Message) -> None:
        """A part of an answer, as it comes."""
        thread = str(message.get("parent_tool_use_id") or message.get("agent_id") or "")
        match event.get("type"):
            case "message_start":
                self._meter.begins(thread, event["message"])
            case "message_delta":
                self.voice.tell(self._meter.counts(thread, event.get("usage") or {}))
                if not thread:
                    self.voice.tell(Context(used=self._meter.context))
            case "content_block_delta":
                self._text(self._meter.message(thread), event["delta"])
            case _:
                pass

    def _text(self, message: str, delta: Message) -> None:
        if delta.get("type") == "text_delta":
            self._streamed.add(message)
            self.voice.tell(Said(text=str(delta["text"]), message=message))
        elif delta.get("type") == "thinking_delta" and delta.get("thinking"):
            self._streamed.add(message)
            self.voice.tell(Thought(text=str(delta["thinking"])))

    def _said(self, event: Message, message: Message) -> None:
        """One block of an answer, whole; several events have the same message id. Text was mostly streamed before."""
        self._open(session=str(event.get("session_id", "")))
        for block in message["content"]:
            kind, name = block.get("type"), str(message.get("id", ""))
            if kind == "tool_use":
                self._uses(block)
            elif kind == "text" and name not in self._streamed:
                self.voice.tell(Said(text=str(block["text"]), message=name))
            elif kind == "thinking" and name not in self._streamed and block.get("thinking"):
                self.voice.tell(Thought(text=str(block["thinking"])))

    def _uses(self, block: Message) -> None:
        name, given = str(block["name"]), block["input"]
        self.voice.tell(words.tool_of(str(block["id"]), name, given, self.brief.clone))
        self._plan_is(self._plan.called(str(block["id"]), name, given))

    def _returned(self, message: Message) -> None:
        """What tools came to, and what they changed."""
        content = message["message"]["content"]
        for block in content if isinstance(content, list) else ():
            if block.get("type") == "tool_result":
                id_ = str(block["tool_use_id"])
                self.voice.tell(words.ended_tool(block, self.voice.known(id_)))
                self._plan_is(self._plan.returned(id_, message.get("tool_use_result")))
        if edited := words.edited(message.get("tool_use_result"), self.brief.clone):
            self.voice.tell(edited)

    def _plan_is(self, plan: Intends | None) -> None:
        if plan is not None:
            self.voice.tell(plan)

    def _asks(self, id_: str, request: Message) -> None:
        match request.get("subtype"):
            case "can_use_tool":
                self._asks_leave(id_, request)
            case "hook_callback":  # of all tools, so that none is used without `can_use_tool`
                asks = {"hookEventName": "PreToolUse", "permissionDecision": "ask"}
                self._respond(id_, {"hookSpecificOutput": asks})
            case other:
                response = {"subtype": "error", "request_id": id_, "error": f"{other} is not known here"}
                self.voice.say({"type": "control_response", "response": response})

    def _asks_leave(self, id_: str, request: Message) -> None:
        self._asked[id_] = request
        name, given = str(request["tool_name"]), request["input"]
        tool = words.tool_of(str(request.get("tool_use_id") or id_), name, given, self.brief.clone)
        command = str(given.get("command", "")) if tool.kind == "execute" else ""
        self.voice.tell(Asks(id=id_, tool=tool, command=command, why=str(request.get("decision_reason") or "")))

    def _delivered(self, message: Message) -> None:
        """What becomes of a message of ours: it waits, it is read, the turn that it led to has ended."""
        name = str(message.get("command_uuid"))
        if message.get("state") in ("queued", "started"):
            self._queued.add(name)
        else:
            self._queued.discard(name)
            self._see_whether_through()

    def _ended(self, result: Message) -> None:
        """A turn is over; the next one may come of a message that waits."""
        bad = words.why(result)
        self._claim = Claim(good=not bad, text=str(result.get("result") or ""), detail=bad)
        self._see_whether_through()
        self.voice.tell(self._meter.ends(str(result.get("session_id", "")), words.total_of(result)))
        if size := words.window_of(result, self._opened.model):
            self.voice.tell(Context(used=self._meter.context, size=size))
        if bad and not self._interrupted:
            self.voice.tell(Erred(text=bad, status=int(result.get("api_error_status") or 0)))

    def _see_whether_through(self) -> None:
        if self._claim is None or self._through:
            return
        if self._interrupted or (self._state in ("", "idle") and not self._queued):
            self._through = True
            self.voice.over()

    def _tell(self, text: str) -> None:
        """A message of a person's. It is taken as it is: no commands in it, no files."""
        content = {"role": "user", "content": text}
        self.voice.say({"type": "user", "uuid": str(uuid4()), "client_composed": True, "message": content})

    def _request(self, request: Message) -> None:
        self.voice.say({"type": "control_request", "request_id": str(uuid4()), "request": request})

    def _respond(self, id_: str, response: Message) -> None:
        given = {"subtype": "success", "request_id": id_, "response": response}
        self.voice.say({"type": "control_response", "response": given})
