"""Leave for a tool: what is asked, in our words, and the answer in the agent's.

An agent names its options as it likes; they are told apart by kind, and never turned round.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from acp import schema

from engine.agents.base import Asks, Tool

SHELLS: Final = frozenset({"bash", "sh", "zsh", "dash"})
_COMMANDS: Final = ("command", "cmd")
_ALLOW: Final = ("allow_once", "allow_always")
_REJECT: Final = ("reject_once", "reject_always")


def command_of(raw: object) -> str:
    """The line that a tool would execute, "" where it names none; a shell around it is not shown."""
    given = raw if isinstance(raw, Mapping) else {}
    command = next((given[name] for name in _COMMANDS if given.get(name)), "")
    if isinstance(command, str):
        return command
    if not isinstance(command, Sequence):
        return ""
    words = [str(word) for word in command]
    if len(words) == 3 and Path(words[0]).name in SHELLS and words[1] in ("-c", "-lc"):
        return words[2]
    return shlex.join(words)


def asks(name: str, tool: Tool, raw: object) -> Asks:
    """A request for leave to use a tool, under this name."""
    why = raw.get("description") or raw.get("reason") if isinstance(raw, Mapping) else ""
    return Asks(id=name, tool=tool, command=command_of(raw), why=why if isinstance(why, str) else "")


def chosen(options: Sequence[schema.PermissionOption], *, allow: bool) -> schema.RequestPermissionResponse:
    """The option that says this, for once if that is offered; where none does, nothing is granted."""
    for kind in _ALLOW if allow else _REJECT:
        for option in options:
            if option.kind == kind:
                outcome = schema.AllowedOutcome(outcome="selected", option_id=option.option_id)
                return schema.RequestPermissionResponse(outcome=outcome)
    return cancelled()


def cancelled() -> schema.RequestPermissionResponse:
    """The turn ends instead of an answer."""
    return schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled"))
