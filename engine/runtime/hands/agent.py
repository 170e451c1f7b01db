"""Has an agent do one assignment in its place: brief, program, updates, end. What it left is for the caller to read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.agents.base import (
    Adapter,
    Asks,
    Brief,
    Finished,
    Notice,
    OnUpdate,
    Opened,
    Role,
    Started,
    Text,
    Update,
    Usage,
)
from engine.agents.environment import agent_environment
from engine.agents.runtimes import adapter_for
from engine.core import commands as c
from engine.runtime.desk import Desk
from engine.runtime.gates import run_setup
from engine.runtime.hands.held import Holding
from engine.runtime.leave import Leave
from engine.runtime.leavings import kept_ref
from engine.runtime.member import Gone, Member
from engine.runtime.models import Access
from engine.runtime.own_word import OwnWord
from engine.runtime.sayings import Transcript
from workspaces.clones.clone import Prepared
from workspaces.clones.copies import archive, packed
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


def unpaid(desk: Desk, member: Member, finished: Finished) -> c.Interrupted | None:
    """The end of an agent that was refused a request for want of budget: no fault of the work, nor of the agent."""
    if finished.reason != "failed" or not desk.world.purse.refused(member.spec.name):
        return None
    return c.Interrupted(reason="it was refused a request: a budget is used up", counted=False)


async def _furnish(desk: Desk, member: Member) -> None:
    """Nothing of an earlier task is left in its HOME; then copies of the log-ins that the user has named for it."""
    place, task = member.place, desk.stage.task
    await place.clear(home=member.task != task)
    if member.task != task:
        member.sessions.clear()
    member.task = task
    names = desk.world.credentials(member.spec)
    tar = archive(Path(desk.world.env.get("HOME", "/")), names) if names and place.home is not None else b""
    if tar and place.home is not None:
        member.lent = True
        await place(("tar", "-xf", "-"), cwd=place.home, stdin=tar)


async def _set_up(member: Member, files: Mapping[str, bytes], home: Path) -> None:
    """Files that its program wants in its HOME, written by a program of the same place: what lies there is not ours."""
    if files:
        await member.place(("tar", "-xf", "-"), cwd=home, stdin=packed(files))


async def assign(desk: Desk, member: Member, role: Role, instructions: Mapping[str, Any]) -> Finished:
    """Start the agent on the step and wait for its end; a cancelled wait ends the agent first.

    Raises Gone when a person ended it.
    """
    name, settings = member.spec.name, desk.world.agent_settings(member.spec.name)
    adapter = adapter_for(name, member.spec.runtime)
    desk.world.purse.begin(name)
    brief = await _briefed(desk, member, adapter, role, instructions)
    holding, leave = Holding(desk, member), Leave(desk)
    transcript = _transcript(desk, brief)
    desk.world.ways_out.begin(name)
    member.begin(_begun(desk))
    with ExitStack() as ends:
        ends.callback(leave.close)
        ends.callback(desk.world.sayings.end, transcript)
        ends.enter_context(member.place.reaching(settings.permissions.network if settings else ()))
        if member.ending:  # a kill that found nothing of it has said so
            raise Gone
        try:
            session = await adapter.start(brief, member.place, _listener(desk, member, transcript, holding, leave))
            leave.attach(session)
            with member.working(session):
                finished = await holding.see_out(session)
        except asyncio.CancelledError:
            await member.end()
            raise
    if brief.session and finished.reason != "completed":
        member.sessions.pop(desk.stage.kind, None)  # it may be that very session which can not be taken up
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


def _listener(desk: Desk, member: Member, transcript: Transcript, holding: Holding, leave: Leave) -> OnUpdate:
    own_word, stage = OwnWord(), desk.stage

    def hear(update: Update) -> None:
        holding.hear(update)
        match update:
            case Text():
                desk.world.sayings.grew(transcript)
            case Started(pid=pid):
                tree = str(member.clone.folder)
                desk.report(c.Began(stage=stage.id, lease=desk.lease, pid=pid, tree=tree, carried=member.carried))
            case Opened():
                if update.session:
                    member.sessions[stage.kind] = update.session
                desk.report(
                    c.Opened(
                        stage=stage.id, lease=desk.lease, session=update.session, version=update.version,
                        model=update.model,
                    )
                )  # fmt: skip
            case Asks():
                leave.ask(update)
            case Usage():
                _spent(desk, member, own_word.new(update), update.model)
            case Notice(text=text):
                desk.report(c.Noticed(text=f"{member.spec.name}: {text}"))
            case _:
                pass

    return hear


def _spent(desk: Desk, member: Member, new: Usage, model: str) -> None:
    """What it says of itself counts only where nobody else has counted it."""
    name, task = member.spec.name, "" if desk.stage.task not in desk.run.tasks else desk.stage.task
    counted = not desk.world.purse.meters(name)
    desk.report(c.Spent(agent=name, task=task, tokens=new.tokens, usd=new.usd, model=model, counted=counted))


async def _briefed(desk: Desk, member: Member, adapter: Adapter, role: Role, instructions: Mapping[str, Any]) -> Brief:
    """What it is told, with all that its program wants to find: its HOME, its environment, the way to its models."""
    spec = None if desk.stage.task not in desk.run.tasks else desk.task.spec
    await member.place.keeper()  # its port to the models is there with it
    access = await desk.world.models.access(member.spec, spec, member.place.base)
    brief = _brief(desk, member, role, instructions, access)
    files, told = adapter.home(brief), dict(adapter.environment(brief))
    if files and member.place.home is None:  # its own, where nothing hides the person's
        told["HOME"] = str(brief.home)
    await _set_up(member, files, brief.home)
    return replace(brief, environment={**brief.environment, **member.place.walls, **told})


def _brief(desk: Desk, member: Member, role: Role, instructions: Mapping[str, Any], access: Access) -> Brief:
    layout, name = desk.world.layout, member.spec.name
    settings = desk.world.agent_settings(name)
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
        command=tuple(settings.command) if settings else (),
        environment=environment,
        limits=desk.world.limits,
        instructions=instructions,
        model=access.model,
        bases=access.bases,
        token=access.token,
        session=member.sessions.get(desk.stage.kind, ""),
        home=member.place.home or layout.home(name),
    )
