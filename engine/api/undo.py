"""What was put aside and can be brought back: told from the repository and the record, with or without an engine.

Bringing back makes a branch of its own and nothing else; no branch that exists is moved. What a person brings back
while no engine is there is remembered as a ref, so that the next engine begins the task's next round with it.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.api.calls import CallRefused
from engine.core import commands as c
from engine.core.quantities import about
from engine.core.requests import carries
from engine.core.state import State
from workspaces.clones import kept, ledger
from workspaces.errors import NoneKept, WorkspaceError
from workspaces.git import Git
from workspaces.layout import Layout

WANTED = "refs/quarterdeck/wanted/"
MOST = 200
"""How much cut-short work is kept, whatever its age and size."""


def repository(root: Path) -> Git:
    """Git for the repository at `root`."""
    return Git(root)


def waiting(layout: Layout) -> tuple[dict[str, Any], ...]:
    """What lies in clones and is neither taken in nor put aside: one object a clone; the next engine keeps it."""
    return tuple(
        {"agent": agent, "run": begun.run, "task": begun.task, "attempt": begun.attempt, "kind": begun.kind}
        for agent, begun in ledger.waiting(layout.trees)
    )


async def told(git: Git, state: State, layout: Layout, left: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """What `undo --json` prints. `left` is in clones and not kept yet, `folders` hold what git could not keep."""
    merged = [(name, task) for name, task in state.run.tasks.items() if task.commit] if state.run is not None else []
    return {
        "kept": [asdict(one) for one in await kept.listing(git)],
        "waiting": list(left),
        "folders": [str(path) for path in ledger.laid_aside(layout.trees)],
        "merges": [
            {"task": name, "commit": task.commit, "at": task.at, "undo": f"git revert {task.commit[:12]}"}
            for name, task in merged
        ],
        "dropped": {"count": state.dropped, "at": state.dropped_at},
    }


async def summary(git: Git) -> str:
    """How much there is, for `doctor`: `3 snapshots, 1.2MB, the oldest of 2026-11-01`; empty where there is nothing."""
    there = await kept.listing(git)
    if not there:
        return ""
    oldest = time.strftime("%Y-%m-%d", time.localtime(there[-1].at))
    size = about(sum(one.size for one in there))
    return f"{len(there)} snapshot{'' if len(there) == 1 else 's'}, {size}, the oldest of {oldest}"


async def found(git: Git, name: str) -> c.BringBack:
    """The whole request for what is meant by this; its branch is made. Raises CallRefused."""
    try:
        one = kept.named(await kept.listing(git), name)
        branch = await kept.as_branch(git, one)
    except NoneKept as error:
        raise CallRefused(str(error), code="unknown") from error
    except WorkspaceError as error:
        raise CallRefused(str(error), code="repository") from error
    return c.BringBack(
        kept=one.id, ref=one.ref, commit=one.commit, branch=branch, run=one.run, task=one.task, kind=one.kind
    )


async def without_engine(git: Git, state: State, name: str) -> dict[str, Any]:
    """Bring it back where no engine is; what was done, as the record would have it. Raises CallRefused."""
    back = await found(git, name)
    carried = carries(state, back.run, back.task, back.kind)
    if carried:
        await git.run("update-ref", f"{WANTED}{back.run}/{back.task}", back.commit)
    return {"ref": back.ref, "commit": back.commit, "branch": back.branch, "carried": carried, "task": back.task}


async def wanted(git: Git) -> dict[str, str]:
    """What was brought back without an engine: commits by the ref that remembers each; `done` forgets one."""
    said = (await git.run("for-each-ref", "--format=%(refname) %(objectname)", WANTED)).decode()
    return dict(line.split(" ", 1) for line in said.splitlines())


async def done(git: Git, ref: str) -> None:
    """It is in the record now."""
    await git.run("update-ref", "-d", ref)


async def drop_old(git: Git, state: State, seconds: float, size: int, *, now: float) -> c.Dropped | None:
    """Drop what is too old or too much, the oldest first; never the newest of a task of the unfinished run."""
    there = await kept.listing(git)
    newest: dict[str, str] = {}
    for one in there:
        if state.run is not None and state.run.unfinished and one.run == state.run.id:
            newest.setdefault(one.task, one.ref)
    gone = kept.too_many(there, now=now, most=MOST, seconds=seconds, size=size, spared=set(newest.values()))
    await kept.drop(git, gone)
    return c.Dropped(refs=tuple(one.ref for one in gone), size=sum(one.size for one in gone)) if gone else None
