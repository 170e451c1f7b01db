"""How Claude Code is started: as something that is talked to, asks before every tool, and knows only the gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from engine.agents.base import Brief
from engine.agents.environment import usual
from engine.agents.profiles import Profile

MOST_TURNS: Final = 500
"""Calls of a model in one assignment; only a loop needs more."""
WITHOUT: Final = (
    "AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "EnterWorktree", "ExitWorktree", "CronCreate", "CronDelete",
    "CronList", "ScheduleWakeup", "Monitor", "ListAgents", "SendMessage", "Workflow",
)  # fmt: skip
"""Tools that want a person at a keyboard, another clone, or a session that outlives the assignment."""
WITHOUT_EDITS: Final = ("Edit", "MultiEdit", "Write", "NotebookEdit")


def arguments(brief: Brief) -> Sequence[str]:
    """Everything over stdin and stdout, asking us; no servers of tools but what the person has set up."""
    without = WITHOUT if brief.role == "work" else (*WITHOUT, *WITHOUT_EDITS)
    return (
        *("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
        *("--include-partial-messages", "--permission-prompt-tool", "stdio", "--permission-mode", "default"),
        *("--strict-mcp-config", "--max-turns", str(MOST_TURNS), "--disallowedTools", ",".join(without)),
        *(("--model", brief.model) if brief.model else ()),
        *(("--resume", brief.session) if brief.session else ()),
    )


def environment(brief: Brief) -> Mapping[str, str]:
    """The gateway, and nobody else; nothing goes on in the background. A request may be held for as long as a day."""
    told = {
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
        "CLAUDE_CODE_SDK_READS_SESSION_STATE": "1",
        "API_TIMEOUT_MS": "86400000",
    }
    return {name: value for name, value in usual(brief.bases, brief.token).items() if value} | told


PROFILE: Final = Profile(
    name="claude",
    title="Claude Code",
    program=("claude",),
    kind="anthropic",
    arguments=arguments,
    environment=environment,
)
