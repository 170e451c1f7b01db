"""What became of a command agent: its exit status and its `result.json`, read as a stranger's and judged together.

Exit status 0 claims success, with or without a result. What contradicts itself (a status of 0 with a result that can
not be read, a review without a verdict, a plan without tasks) has failed, with the reason. A claim stays a claim.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from engine.agents.base import Brief, Finished, Role
from engine.messages.errors import ResultRefused, Unreadable
from engine.messages.files import folder, read
from engine.messages.hostile import MOST_BYTES
from engine.messages.mailbox import RESULT
from engine.messages.result import Result, parse_result
from engine.processes.rings import Lines
from engine.processes.values import Exit
from workspaces.clones.removal import remove_at

TAIL_BYTES = 4000


def clear_result(outbox: Path) -> None:
    """Take away a result that was left before, whatever it is; no link is followed.

    Raises `OSError` when the outbox is no real folder.
    """
    with folder(outbox) as here, suppress(FileNotFoundError):
        remove_at(RESULT, here)


def read_result(outbox: Path) -> Result | None:
    """The result in an outbox, or None when there is none.

    Raises `ResultRefused` for a link, anything else that is no plain file, one that is too large, and bad content.
    """
    try:
        with folder(outbox) as here:
            return parse_result(read(RESULT, here, MOST_BYTES))
    except FileNotFoundError:
        return None
    except Unreadable as error:
        raise ResultRefused(error.reason) from None
    except OSError as error:
        raise ResultRefused(f"its outbox can not be opened: {error.strerror}") from None


def judge(brief: Brief, ended: Exit, *, cancelled: bool, tail: bytes) -> Finished:
    """The end of an assignment whose program ended like this, with what it left in its outbox."""
    last = _tail(tail)
    if cancelled:
        return Finished(reason="cancelled", exit=ended.code, detail="stopped on request")
    if ended.code is None:
        by = f"killed by signal {ended.signal}" if ended.signal else "its keeper was lost"
        return Finished(reason="killed", signal=ended.signal, detail=_said(by, last))
    try:
        result = read_result(brief.outbox)
    except ResultRefused as error:
        return Finished(reason="failed", exit=ended.code, detail=_said(f"{RESULT} is refused: {error}", last))
    if failure := _failure(brief.role, ended.code, result):
        return Finished(reason="failed", exit=ended.code, result=result, detail=_said(failure, last))
    return Finished(reason="completed", exit=0, result=result or Result())


def _failure(role: Role, code: int, result: Result | None) -> str:
    """Why this is no claim of success; empty when it is one."""
    if code != 0:
        return (result.summary if result else "") or f"its program ended with exit status {code}"
    if result and result.outcome != "done":
        return result.summary or f"it says that its work is {result.outcome}"
    if role == "review" and not (result and result.review):
        return f"a review without a verdict: {RESULT} has no `review`"
    if role == "plan" and not (result and result.plan and result.plan.get("task")):
        return f"a plan without tasks: {RESULT} has no `plan` with a `task` in it"
    return ""


def _tail(output: bytes) -> str:
    """The end of a program's output, as text that is harmless to look at."""
    lines = Lines()
    return "\n".join((*lines.feed(output[-TAIL_BYTES:]), *lines.close())).strip()


def _said(reason: str, tail: str) -> str:
    return f"{reason}\n\n{tail}" if tail else reason
