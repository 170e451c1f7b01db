"""A round of work: bring the clone up to date, have the agent work in it, take in what it left.

A round that was begun before looks first whether its work was taken in already: its ref says so, and it is not done
again.
"""

from __future__ import annotations

import asyncio
from functools import partial

from engine.agents.base import Finished
from engine.agents.instructions import work_instructions
from engine.core import commands as c
from engine.core.guarded import why_guarded
from engine.core.recovery import feedback
from engine.core.text import clean_lines
from engine.core.values import Change, Feedback, Side
from engine.runtime.desk import Desk
from engine.runtime.gates import SetupFailed
from engine.runtime.hands import taken
from engine.runtime.hands.agent import assign, make_ready, member_of, unpaid
from engine.runtime.member import Member
from workspaces.clones import intake
from workspaces.clones.clone import Prepared, identity
from workspaces.clones.intake import Empty, Refusal
from workspaces.errors import WorkspaceError

ATTEMPTS = "refs/quarterdeck/attempts"


async def work(desk: Desk) -> c.Result:
    """Do the round. Raises Gone."""
    found = await _taken_in(desk) if desk.round.begun > 1 else None
    if found is not None:
        return found
    member = member_of(desk)
    async with member.turn():
        try:
            prepared = await _prepare(desk, member)
        except (SetupFailed, WorkspaceError) as error:
            return c.Broke(reason=str(error), blame="agent")
        return await _round(desk, member, prepared)


def attempt_ref(desk: Desk) -> str:
    """The ref that names the round's change once it is taken in."""
    return f"{ATTEMPTS}/{desk.run.id}/{desk.stage.task}/{desk.stage.round}"


async def _taken_in(desk: Desk) -> c.Worked | None:
    """The claim of an engine that died between taking the work in and saying so."""
    git = desk.world.repo.git
    shape = "--format=%(objectname)%00%(parent)%00%(authorname)%00%(contents:subject)"
    said = await git.line("for-each-ref", shape, attempt_ref(desk))
    if not said:
        return None
    commit, parent, author, summary = said.split("\0")
    change = await intake.examine(git, commit, base=parent, who=identity(author))
    if not isinstance(change, intake.Change):
        return None
    return c.Worked(change=await _plain(desk, change, author), summary=summary, author=author)


async def _prepare(desk: Desk, member: Member) -> Prepared:
    """The clone at the target's tip, with what was brought back or the last round's change on top."""
    base = await desk.world.repo.tip(desk.run.target)
    earlier = [r.change.commit for r in desk.task.rounds if r.change is not None and r.number < desk.stage.round]
    prepared = await member.prepare(base, desk.task.brought or (earlier[-1] if earlier else None))
    await make_ready(desk, member, prepared, base)
    return prepared


async def _round(desk: Desk, member: Member, prepared: Prepared) -> c.Result:
    run, task = desk.run, desk.task
    told = list(feedback(task))
    if prepared.sides and not any(item.kind == "conflict" and item.attempt == desk.stage.round - 1 for item in told):
        told.append(_conflicted(desk, prepared))
    instructions = work_instructions(
        task.spec,
        run=run.id,
        goal=run.goal,
        target=run.target,
        base=prepared.base,
        attempt=desk.stage.round,
        feedback=told,
        write=member.spec.write,
    )
    try:
        finished = await assign(desk, member, "work", instructions)
    except asyncio.CancelledError:
        await member.leavings.put_aside(member.unfinished, "its step was ended")
        raise
    if unpaid_end := unpaid(desk, member, finished):
        await member.leavings.put_aside(member.unfinished, unpaid_end.reason)
        return unpaid_end
    if finished.reason != "completed":
        return await _broken(member, finished)
    return await _submit(desk, member, prepared, finished)


def _conflicted(desk: Desk, prepared: Prepared) -> Feedback:
    names = ", ".join(side.path for side in prepared.sides)
    return Feedback(
        attempt=desk.stage.round - 1,
        kind="conflict",
        text=f"while you worked the target changed the same lines in {names}; the files hold both, with markers",
        sides=tuple(Side(path=s.path, ours=s.ours, theirs=s.theirs) for s in prepared.sides),
    )


async def _submit(desk: Desk, member: Member, prepared: Prepared, finished: Finished) -> c.Result:
    summary = clean_lines(finished.result.summary) if finished.result else ""
    message = summary.strip() or clean_lines(desk.task.spec.title)
    change = await member.clone.submit(
        attempt_ref(desk), base=prepared.base, message=message, refuses=partial(taken.refusal, member.spec)
    )
    match change:
        case Empty():
            await _kept(member, "it was said to be done, and the diff is empty")
            return c.Broke(reason="it claims to be done, and changed nothing: the diff is empty")
        case Refusal(reason=reason):
            return await _refused(desk, member, reason)
        case _:
            member.leavings.settle()
            confidence = finished.result.confidence if finished.result else None
            plain = await _plain(desk, change, member.spec.name)
            return c.Worked(change=plain, summary=message, confidence=confidence)


async def _refused(desk: Desk, member: Member, reason: str) -> c.Broke:
    """The author is told how to have single files of it back: the clone reads the objects, and begins anew."""
    kept = await _kept(member, reason)
    if not kept:
        return c.Broke(reason=reason)
    commit = await desk.world.repo.git.line("rev-parse", kept)
    detail = f"nothing of it was taken; it is kept, and `git checkout {commit} -- PATH` brings a file of it back"
    return c.Broke(reason=reason, detail=detail, kept=kept)


async def _plain(desk: Desk, change: intake.Change, author: str) -> Change:
    """What the record holds of a change; the whole difference is an artifact."""
    desk.artifacts.write("change.diff", change.diff)
    spec = desk.record.state.agents[author].spec
    links = await desk.world.repo.links(change.base, why_guarded)
    return taken.recorded(spec, change, source=desk.task.source, hooks=await desk.world.hooks(), links=links)


async def _kept(member: Member, why: str) -> str:
    return await member.leavings.put_aside(member.unfinished, f"the attempt failed: {why}")


async def _broken(member: Member, finished: Finished) -> c.Broke:
    """The round failed; what it left is put aside under a ref of its own."""
    reason, _, detail = finished.detail.partition("\n")
    said_so = finished.reason == "failed" and finished.result is not None
    return c.Broke(
        reason=reason or f"the agent ended: {finished.reason}",
        detail=detail.strip(),
        blame="work" if said_so else "agent",
        kept=await _kept(member, reason or finished.reason),
    )
