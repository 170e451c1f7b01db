"""A check: the gate's lines on the tree that was claimed; for the run itself, on the base before any work."""

from __future__ import annotations

from engine.core import commands as c
from engine.core.evidence import required
from engine.runtime.desk import Desk
from engine.runtime.gates import SetupFailed
from workspaces.errors import WorkspaceError


async def check(desk: Desk) -> c.Result:
    """Run the lines that must pass for this task."""
    run, task, change = desk.run, desk.task, desk.round.change
    try:
        tree = change.tree if change else await desk.world.repo.tree(run.base)
        runs, reason = await desk.world.gates.run(
            required(run, task),
            tree=tree,
            head=change.base if change else run.base,
            known=desk.known,
            artifacts=desk.artifacts,
            name="check",
            tell=desk.reached,
        )
    except (SetupFailed, WorkspaceError) as error:
        return c.Broke(reason=str(error))
    return c.Checked(runs=runs, reason=reason)
