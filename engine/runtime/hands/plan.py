"""A plan: an agent splits the goal; its result is read by the plan's own schema and measured against the crew."""

from __future__ import annotations

from engine.agents.base import Finished
from engine.agents.instructions import plan_instructions
from engine.config.errors import ConfigError
from engine.config.plan import plan_from_agent, to_specs
from engine.core import commands as c
from engine.core.plans import missing_capabilities
from engine.core.recovery import feedback
from engine.core.values import TaskSpec
from engine.runtime.desk import Desk
from engine.runtime.gates import SetupFailed
from engine.runtime.hands.agent import assign, make_ready, member_of, unpaid
from engine.runtime.preflight import told
from workspaces.errors import WorkspaceError


async def plan(desk: Desk) -> c.Result:
    """Have the goal split into tasks. Raises Gone."""
    member, run = member_of(desk), desk.run
    crew = [agent.spec for agent in desk.record.state.agents.values()]
    async with member.turn():
        try:
            base = await desk.world.repo.tip(run.target)
            prepared = await member.prepare(base)
            await make_ready(desk, member, prepared, base)
        except (SetupFailed, WorkspaceError) as error:
            return c.Broke(reason=str(error), blame="agent")
        instructions = plan_instructions(
            TaskSpec(id="plan", title=run.goal, prompt=run.goal, kind="plan"),
            run=run.id,
            goal=run.goal,
            target=run.target,
            base=base,
            attempt=desk.stage.round,
            crew=crew,
            feedback=feedback(desk.task),
        )
        finished = await assign(desk, member, "plan", instructions)
    return unpaid(desk, member, finished) or _read(desk, finished)


def _read(desk: Desk, finished: Finished) -> c.Result:
    result = finished.result
    if finished.reason != "completed" or result is None or result.plan is None:
        return c.Broke(reason=finished.detail.partition("\n")[0] or "no plan", blame="agent")
    try:
        specs = to_specs(plan_from_agent(result.plan))
    except ConfigError as error:
        return c.Planned(problem=str(error), summary=result.summary)
    crew = [agent.spec for agent in desk.record.state.agents.values()]
    lacking = missing_capabilities(crew, specs, desk.run.pattern, review=desk.run.review)
    problem = "; ".join(told(one) for one in lacking[:3])
    return c.Planned(tasks=specs, summary=result.summary, problem=problem)
