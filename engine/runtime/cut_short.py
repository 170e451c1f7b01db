"""Work that was cut short by a kill without an engine: the next engine keeps it, before it does anything else.

A held agent's clone is touched by nobody until a person resumes it, and then it is brought to a new base. So what it
holds is put aside under the ref that a kill by an engine would have used. What it stands on is not in the record;
the clone tells, and that is as far as the clone is believed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.agents.environment import allowed_environment
from engine.core.state import Run, Stage, State
from engine.core.values import AgentSpec
from engine.processes.errors import ProcessError
from engine.runtime.cells import Cells
from engine.runtime.hands.work import kept_ref
from engine.runtime.member import Member, Place, Unfinished
from engine.runtime.room import Room
from workspaces.clones.clone import Clone
from workspaces.errors import WorkspaceError
from workspaces.layout import Layout
from workspaces.repository import Repository


async def put_aside(
    state: State, held: Collection[str], *, repo: Repository, layout: Layout, env: Mapping[str, str], cells: Cells
) -> list[str]:
    """Keep what each held agent's program had under way when the last engine ended; what a person is told of it."""
    run = state.run
    if run is None:
        return []
    told = []
    for stage in run.stages.values():
        if stage.kind == "work" and stage.pid and stage.agent in held:
            member = _member(state.agents[stage.agent].spec, repo, layout, allowed_environment(env), cells)
            told.append(await _keep(repo, run, stage, member))
    return [text for text in told if text]


def _member(spec: AgentSpec, repo: Repository, layout: Layout, env: Mapping[str, str], cells: Cells) -> Member:
    """The agent with a keeper of another name than its own, which no hold is for."""
    name, folder = f"_kept-{spec.name}", layout.tree(spec.name)
    place = Place(name, layout.processes, Room(env, cells.rescue(name, folder)))
    return Member(spec, clone=Clone(repo, folder, spec.name, place), place=place)


async def _keep(repo: Repository, run: Run, stage: Stage, member: Member) -> str:
    ref = kept_ref(run.id, stage.task, stage.round, stage.lease)
    try:
        if await repo.git.line("for-each-ref", "--format=%(refname)", ref):
            return member.kept(ref)  # by an engine that died before it could say so
        base = await member.clone.begun_from(await repo.tip(run.target))
        return member.kept(ref) if base and await member.put_aside(Unfinished(base, ref)) else ""
    except (WorkspaceError, ProcessError):
        return ""
    finally:
        await member.place.close()
