"""A review: another agent sees the change on top of its base, with the diff and the author's words, and judges it."""

from __future__ import annotations

from pathlib import Path

from engine.agents.instructions import review_instructions
from engine.core import commands as c
from engine.core.recovery import feedback
from engine.messages.files import folder, write_new
from engine.runtime.desk import Desk
from engine.runtime.gates import SetupFailed
from engine.runtime.hands.agent import assign, make_ready, member_of, unpaid
from workspaces.errors import WorkspaceError


async def review(desk: Desk) -> c.Result:
    """Have the change judged. Raises Gone."""
    change, round_ = desk.round.change, desk.round
    if change is None:
        return c.Broke(reason="there is no change to judge")
    member = member_of(desk)
    async with member.turn():
        try:
            prepared = await member.prepare(change.base, change.commit)
            await make_ready(desk, member, prepared, change.tree)
        except (SetupFailed, WorkspaceError) as error:
            return c.Broke(reason=str(error), blame="agent")
        instructions = review_instructions(
            desk.task.spec,
            run=desk.run.id,
            goal=desk.run.goal,
            target=desk.run.target,
            base=change.base,
            attempt=desk.stage.round,
            diff=_handed_over(desk),
            author=round_.author,
            summary=round_.summary,
            feedback=feedback(desk.task),
        )
        finished = await assign(desk, member, "review", instructions)
    if unpaid_end := unpaid(desk, member, finished):
        return unpaid_end
    given = finished.result.review if finished.result and finished.reason == "completed" else None
    if given is None:
        return c.Broke(reason=finished.detail.partition("\n")[0] or "no verdict", blame="agent")
    text = f"{given.verdict} by {desk.stage.agent}\n\n{given.remarks}\n"
    desk.artifacts.write(f"review-{desk.stage.lane}.md", text)
    return c.Reviewed(verdict=given.verdict, patch=change.patch, remarks=given.remarks)


def _handed_over(desk: Desk) -> Path:
    """The diff, where the reviewer can read it: beside its boxes."""
    place = desk.world.layout.agents / desk.stage.agent / "change.diff"
    with folder(place.parent) as here:
        write_new(place.name, here, (desk.artifacts.folder / "change.diff").read_bytes())
    return place
