"""What became of an agent: its exit status, what its stream claimed, and its `result.json`, judged together.

Exit status 0 claims success of a plain command, with or without a result; of an agent that tells of itself only
together with a good last event. What contradicts itself (a status of 0 with a result that can not be read, a review
without a verdict, a plan without tasks) has failed, with the reason. A claim stays a claim.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.agents.answer import result_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an agent's stream came to. `good`: its last event says success; None: none came that says how it ended.

    `text` is its last message, `detail` why it is not good, in its own words.
    """

    good: bool | None = None
    text: str = ""
    detail: str = ""


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


def judge(brief: Brief, ended: Exit, *, cancelled: bool, tail: bytes, claim: Claim | None = None) -> Finished:
    """The end of an assignment whose program ended like this, with what it left in its outbox and what it claimed."""
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
    failure = _ended_badly(ended.code, result, claim)
    if not failure and claim is not None and result is None:
        try:
            result = result_of(brief.role, claim.text)
        except ResultRefused as error:
            failure = error.reason
    if failure := failure or _missing(brief.role, result):
        return Finished(reason="failed", exit=ended.code, result=result, detail=_said(failure, last))
    return Finished(reason="completed", exit=0, result=result or Result())


def _ended_badly(code: int, result: Result | None, claim: Claim | None) -> str:
    """Why its end is no claim of success; empty when it is one."""
    summary = result.summary if result else ""
    if claim is not None and not claim.good:
        ending = "" if code == 0 else f" (exit status {code})"
        return claim.detail or f"its output ended without saying how it went{ending}"
    if code != 0:
        return summary or f"its program ended with exit status {code}"
    if result and result.outcome != "done":
        return summary or f"it says that its work is {result.outcome}"
    return ""


def _missing(role: Role, result: Result | None) -> str:
    """What its role owes and its result has not; empty when nothing is missing."""
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
