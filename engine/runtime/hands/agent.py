"""Has an agent do one assignment in its place: brief, program, updates, end. What it left is for the caller to read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.agents.base import Brief, Finished, Notice, OnUpdate, Role, Started, Text, Update, Usage
from engine.agents.environment import agent_environment
from engine.agents.runtimes import adapter_for
from engine.core import commands as c
from engine.runtime.desk import Desk
from engine.runtime.gates import run_setup
from engine.runtime.hands.held import Holding
from engine.runtime.leavings import kept_ref
from engine.runtime.member import Gone, Member
from engine.runtime.sayings import Transcript
from workspaces.clones.clone import Prepared
from workspaces.clones.copies import archive
from workspaces.clones.rescue import Begun


def member_of(desk: Desk) -> Member:
    """The agent that holds the step."""
    return desk.world.members[desk.stage.agent]


async def make_ready(desk: Desk, member: Member, prepared: Prepared, tree: str) -> None:
    """Give the agent empty scratch folders, and run the project's setup where the clone has not had it.

    Raises SetupFailed.
    """
    await _furnish(desk, member)
    project = desk.world.settings.project
    if prepared.fresh:
        member.setup_key = ""
    if not project.setup:
        return
    key = await desk.world.gates.setup_key(tree)
    if key != member.setup_key:
        await run_setup(member.place, member.clone.folder, project, desk.world.limits, desk.reached)
        member.setup_key = key


async def _furnish(desk: Desk, member: Member) -> None:
    """Nothing of an earlier task is left in its HOME; then copies of the log-ins that the user has named for it."""
    place, task = member.place, desk.stage.task
    await place.clear(home=member.task != task)
    member.task = task
    names = desk.world.credentials(member.spec)
    tar = archive(Path(desk.world.env.get("HOME", "/")), names) if names and place.home is not None else b""
    if tar and place.home is not None:
        member.lent = True
        await place(("tar", "-xf", "-"), cwd=place.home, stdin=tar)


async def assign(desk: Desk, member: Member, role: Role, instructions: Mapping[str, Any]) -> Finished:
    """Start the agent on the step and wait for its end; a cancelled wait ends the agent first.

    Raises Gone when a person ended it.
    """
    settings = desk.world.agent_settings(member.spec.name)
    adapter = adapter_for(member.spec.name, member.spec.runtime)
    holding = Holding(desk, member)
    brief = _brief(desk, member, role, instructions, tuple(settings.command) if settings else ())
    transcript = _transcript(desk, brief)
    desk.world.ways_out.begin(member.spec.name)
    member.begin(_begun(desk))
    try:
        with member.place.reaching(settings.permissions.network if settings else ()):
            session = await adapter.start(brief, member.place, _listener(desk, member, transcript, holding))
            finished = await holding.see_out(session)
    except asyncio.CancelledError:
        await member.place.stop()
        raise
    finally:
        desk.world.sayings.end(transcript)
    if member.ending or finished.reason == "cancelled":
        raise Gone
    return finished


def _begun(desk: Desk) -> Begun:
    """What is kept of the step if it is cut short, and under which name."""
    stage = desk.stage
    return Begun(
        ref=kept_ref(desk.run.id, stage.task, stage.round, desk.lease),
        run=desk.run.id,
        task=stage.task,
        attempt=stage.round,
        lease=desk.lease,
        kind=stage.kind,
        copies=desk.world.settings.project.copies,
    )


def _transcript(desk: Desk, brief: Brief) -> Transcript:
    """Let those who follow the agent know where it prints from now on: after what an interrupted step left there."""
    transcript = Transcript(
        agent=brief.agent,
        task=desk.stage.task,
        attempt=desk.stage.round,
        kind=desk.stage.kind,
        path=brief.transcript,
        begins=brief.transcript.stat().st_size if brief.transcript.exists() else 0,
    )
    desk.world.sayings.begin(transcript)
    return transcript


def _listener(desk: Desk, member: Member, transcript: Transcript, holding: Holding) -> OnUpdate:
    def hear(update: Update) -> None:
        holding.hear(update)
        match update:
            case Text():
                desk.world.sayings.grew(transcript)
            case Started(pid=pid):
                tree = str(member.clone.folder)
                desk.report(c.Began(stage=desk.stage.id, lease=desk.lease, pid=pid, tree=tree, carried=member.carried))
            case Usage(tokens=tokens, usd=usd):
                task = "" if desk.stage.task not in desk.run.tasks else desk.stage.task
                desk.report(c.Spent(agent=member.spec.name, task=task, tokens=tokens, usd=usd))
            case Notice(text=text):
                desk.report(c.Noticed(text=f"{member.spec.name}: {text}"))
            case _:
                pass

    return hear


def _brief(desk: Desk, member: Member, role: Role, instructions: Mapping[str, Any], command: tuple[str, ...]) -> Brief:
    layout, name = desk.world.layout, member.spec.name
    transcript = desk.world.transcript(desk.label, desk.stage.round, desk.stage.kind, name)
    transcript.parent.mkdir(parents=True, exist_ok=True)
    task_file = layout.agents / name / "task.json"
    environment = agent_environment(
        member.place.env,
        task_file=task_file,
        inbox=layout.inbox(name),
        outbox=layout.outbox(name),
        agent=name,
        attempt=desk.stage.round,
    ) | dict(member.place.walls)
    return Brief(
        run=desk.run.id,
        task=desk.stage.task,
        role=role,
        attempt=desk.stage.round,
        agent=name,
        lease=desk.lease,
        clone=member.clone.folder,
        inbox=layout.inbox(name),
        outbox=layout.outbox(name),
        task_file=task_file,
        transcript=transcript,
        command=command,
        environment=environment,
        limits=desk.world.limits,
        instructions=instructions,
    )
