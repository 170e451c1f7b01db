"""What the last engine left in agents' clones: this one keeps it before it does anything else.

A clone whose agent goes on with the run is kept by its next step, before that changes anything. The others might not be
touched for long: those of agents that are held, and all of them when no run goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.agents.environment import allowed_environment
from engine.core import commands as c
from engine.core.state import State
from engine.core.values import AgentSpec
from engine.runtime.cells import Cells
from engine.runtime.member import Member, Place
from engine.runtime.room import Room
from workspaces.clones import ledger
from workspaces.clones.clone import Clone
from workspaces.clones.kept import Kept, listing
from workspaces.git import Git
from workspaces.layout import Layout
from workspaces.repository import Repository

WHY = "it was ended while no engine was there"


async def put_aside(
    state: State, held: Collection[str], *, repo: Repository, layout: Layout, env: Mapping[str, str], cells: Cells
) -> list[c.PutAside | c.Noticed]:
    """Keep what is in the clones of agents that nothing is given to for now; what is to be recorded of it."""
    goes_on = state.run is not None and state.run.outcome is None
    told: list[c.PutAside | c.Noticed] = []
    for name, _ in ledger.waiting(layout.trees):
        if goes_on and name in state.agents and name not in held:
            continue
        member = _member(name, repo, layout, allowed_environment(env), cells)
        member.leavings.tell = told.append
        try:
            await member.leavings.clear_up(WHY)
        finally:
            await member.place.close()
    return told


def _member(agent: str, repo: Repository, layout: Layout, env: Mapping[str, str], cells: Cells) -> Member:
    """The agent with a keeper of another name than its own, which no hold is for."""
    name, folder = f"_kept-{agent}", layout.tree(agent)
    place = Place(name, layout.processes, Room(env, cells.rescue(name, folder)))
    spec = AgentSpec(name=agent, runtime="command", does=())
    return Member(spec, clone=Clone(repo, folder, agent, place), place=place)


async def untold(git: Git, state: State) -> list[c.PutAside]:
    """What is kept and not in the record: an engine died between the one and the other, or ended before it."""
    return [_told(one) for one in reversed(await listing(git)) if one.ref not in state.kept]


def _told(kept: Kept) -> c.PutAside:
    return c.PutAside(
        agent=kept.agent,
        run=kept.run,
        task=kept.task,
        attempt=kept.attempt,
        ref=kept.ref,
        commit=kept.commit,
        why=kept.why,
        files=kept.files,
        added=kept.added,
        removed=kept.removed,
        size=kept.size,
        left=kept.left,
        lost=kept.lost,
        ignored=kept.ignored,
    )
