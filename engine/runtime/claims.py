"""What an attempt claimed to change, from the main repository, where its work was taken in."""

from __future__ import annotations

from engine.api.calls import LARGEST_DIFF, CallRefused, Difference
from engine.core.state import Round, State
from workspaces.diffs.make import diff
from workspaces.errors import WorkspaceError
from workspaces.git import Git


async def claimed(git: Git, state: State, task: str | None, attempt: int | None) -> Difference:
    """The change of an attempt at a task, of the latest that has one for None. Raises CallRefused."""
    round_ = _round(state, task, attempt)
    if round_.change is None:
        raise CallRefused(f"attempt {round_.number} at {task} claimed no change", code="nothing")
    base, commit = round_.change.base, round_.change.commit
    try:
        found = await diff(git, base, commit)
    except WorkspaceError as error:
        raise CallRefused(str(error), code="unseen", exit_code=1) from error
    kept = found if len(found) <= LARGEST_DIFF else found[: found.rfind(b"\n", 0, LARGEST_DIFF) + 1]
    return Difference(base=base, text=kept.decode("utf-8", "replace"), at=state.at, cut=len(found) - len(kept))


def _round(state: State, task: str | None, attempt: int | None) -> Round:
    tasks = state.run.tasks if state.run is not None else {}
    if task is None or task not in tasks:
        raise CallRefused(f'no task "{task or ""}": say an agent or a task', code="unknown")
    rounds = tasks[task].rounds
    if attempt is None:
        rounds = [round_ for round_ in rounds if round_.change is not None]
    else:
        rounds = [round_ for round_ in rounds if round_.number == attempt]
    if not rounds:
        which = "an attempt" if attempt is None else f"attempt {attempt}"
        raise CallRefused(f"{task} has not had {which} that claimed anything", code="nothing")
    return rounds[-1]
