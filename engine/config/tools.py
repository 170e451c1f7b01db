"""Coding agents that may be installed here, and how each can be started by the `command` runtime."""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A vendor's agent: its program, its name, and a shell line that does one task and ends.

    The task is JSON; the agent reads it as it stands, and leaves its change in the current folder.
    """

    program: str
    title: str
    line: str


_TASK = '"Do this task, edit files here: $(cat "$QUARTERDECK_TASK")"'

TOOLS = (
    Tool("claude", "Claude Code", f"claude --permission-mode acceptEdits -p {_TASK}"),
    Tool("codex", "Codex", f"codex exec --sandbox workspace-write {_TASK}"),
    Tool("gemini", "Gemini CLI", f"gemini --approval-mode yolo -p {_TASK}"),
    Tool("opencode", "opencode", f"opencode run {_TASK}"),
    Tool("qwen", "Qwen Code", f"qwen --approval-mode yolo -p {_TASK}"),
    Tool("aider", "aider", f"aider --yes-always --no-check-update --message {_TASK}"),
)


def installed(path: str) -> tuple[Tool, ...]:
    """Those on a PATH, best known first."""
    return tuple(tool for tool in TOOLS if shutil.which(tool.program, path=path))
