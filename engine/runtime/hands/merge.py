"""A merge, at the head of the lane: look whether it is there already, combine, gate the combined tree, advance.

The gate's evidence is durable before the target moves. A moved target begins again; a conflict goes back to its
author; a person's own edits in the way make it wait. It happens once: the commit's trailer is looked up first.
"""

from __future__ import annotations

from engine.core import commands as c
from engine.core.evidence import required
from engine.core.text import clean_lines
from engine.core.values import Change, Side
from engine.runtime.desk import Desk
from engine.runtime.gates import SetupFailed
from engine.runtime.hands import taken
from workspaces.clones.clone import identity
from workspaces.diffs.make import names
from workspaces.errors import WorkspaceError
from workspaces.merge.advance import Advanced, Blocked, advance
from workspaces.merge.commit import Merge, commit
from workspaces.merge.mend import mend
from workspaces.merge.probe import Conflict, probe

MOVES = 10
"""How often the target may move under one merge before it is said that it does not come to rest."""


async def merge(desk: Desk) -> c.Result:
    """Bring the change onto the target."""
    change = desk.round.change
    if change is None:
        return c.Broke(reason="there is no change to merge")
    try:
        await mend(desk.world.repo, desk.run.target)  # an engine may have been killed in the middle of this one
        for _ in range(MOVES):
            result = await _try(desk, change)
            if result is not None:
                return result
    except (SetupFailed, WorkspaceError) as error:
        return c.Broke(reason=str(error))
    return c.Broke(reason=f"{desk.run.target} moved {MOVES} times while it was being merged")


def trailer(desk: Desk) -> str:
    """What the merge commit says of itself."""
    return f"{desk.run.id}/{desk.stage.task}/{desk.stage.round}"


async def _try(desk: Desk, change: Change) -> c.Result | None:
    """Once, against the target as it is now; None when it moved meanwhile."""
    repo, run = desk.world.repo, desk.run
    tip = await repo.tip(run.target)
    found = await desk.world.trailers.find(run.base, tip, trailer(desk))
    _tell_taken_back(desk)
    if found is not None:
        return await _found(desk, found)
    combined = await probe(repo.git, change, tip)
    if isinstance(combined, Conflict):
        sides = tuple(Side(path=s.path, ours=s.ours, theirs=s.theirs) for s in combined.sides)
        return c.Conflicted(parent=tip, sides=sides)
    astray = await _astray(desk, change, tip, combined.tree)
    if astray:
        return c.Conflicted(parent=tip, sides=tuple(Side(path=path) for path in astray))
    red = await _gate(desk, combined.tree, tip)
    return red or await _advance(desk, combined.tree, tip)


async def _astray(desk: Desk, change: Change, tip: str, tree: str) -> tuple[str, ...]:
    """Paths that were judged under another name: they go back to the author, and are judged as what they are now."""
    if tip == change.base:
        return ()
    git, spec = desk.world.repo.git, desk.record.state.agents[desk.round.author].spec
    found = taken.astray(spec, await names(git, tip, tree))
    known = await names(git, change.base, change.tree) if found else ()
    return tuple(path for path in found if path not in known)


def _tell_taken_back(desk: Desk) -> None:
    """A merge is not made again when a person takes it back; but it is told, as they may not have meant to."""
    for back in desk.world.trailers.taken_back():
        task = back.value.split("/")[1]
        text = f"{task}: commit {back.commit[:12]} takes back what was merged for it in {back.made[:12]}; if that was"
        desk.report(c.Noticed(text=f"{text} not meant, `git revert {back.commit[:12]}`"))


async def _found(desk: Desk, made: str) -> c.MergeMade:
    said = await desk.world.repo.git.line("rev-parse", f"{made}^{{tree}}", f"{made}^")
    tree, parent = said.split("\n")
    return c.MergeMade(commit=made, tree=tree, parent=parent, found=True)


async def _gate(desk: Desk, tree: str, tip: str) -> c.Checked | None:
    runs, reason = await desk.world.gates.run(
        required(desk.run, desk.task),
        tree=tree,
        head=tip,
        known=desk.known,
        artifacts=desk.artifacts,
        name="gate",
        tell=desk.reached,
    )
    if reason:
        return c.Checked(runs=runs, reason=reason)
    await desk.report(c.GatePassed(stage=desk.stage.id, lease=desk.lease, runs=runs))
    return None


async def _advance(desk: Desk, tree: str, tip: str) -> c.Result | None:
    repo, run, spec = desk.world.repo, desk.run, desk.task.spec
    made = await commit(
        repo.git,
        Merge(
            tree=tree,
            parent=tip,
            author=identity(desk.round.author),
            committer=await desk.world.committer(),
            message=_message(desk),
            trailer=trailer(desk),
            at=int(desk.stage.since),
        ),
    )
    moved = await advance(repo, run.target, tip, made)
    match moved:
        case Advanced():
            desk.world.trailers.advanced(run.base, tip, made, trailer(desk))
            _keep_evidence(desk, made, tree)
            return c.MergeMade(commit=made, tree=tree, parent=tip)
        case Blocked(reason=reason, paths=paths):
            return c.Obstructed(reason=f"{spec.id}: {reason}", paths=paths)
        case _:
            return None


def _message(desk: Desk) -> str:
    summary, title = desk.round.summary.strip(), clean_lines(desk.task.spec.title)
    body = f"\n\n{summary}" if summary and summary != title else ""
    return f"{title or desk.task.spec.id}{body}"


def _keep_evidence(desk: Desk, made: str, tree: str) -> None:
    lines = [
        f"merged {made}",
        f"tree {tree}",
        *(f"passed {gate.command} (env {gate.env})" for gate in desk.round.gates),
    ]
    desk.artifacts.write("evidence.txt", "\n".join(lines) + "\n")
