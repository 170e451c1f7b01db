"""The engine of one repository, on this machine: the port that clients see, over record, world and hands.

It is the wiring. Durable events go to `Wanted`; effects, agents and boxes are brought to what that says; whatever they
find comes back as reports.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from engine.agents.environment import allowed_environment
from engine.api import undo
from engine.api.calls import CallRefused, RunRequest
from engine.api.version import VERSION
from engine.config.settings import LimitSettings
from engine.core import commands as c
from engine.core import events as e
from engine.core.errors import Busy, Refused
from engine.core.state import Run
from engine.gateway.call import Asked
from engine.gateway.llm.spool import Spool
from engine.messages.trust import Trust
from engine.processes import records
from engine.processes.confinement.probe import probe
from engine.processes.confinement.tiers import MECHANISMS, UNCONFINED, Mechanism, Tier
from engine.runtime.cells import Cells
from engine.runtime.cut_short import put_aside, untold
from engine.runtime.effects import Effects
from engine.runtime.intake import Intake
from engine.runtime.obstacles import Obstacles
from engine.runtime.post import Post
from engine.runtime.preflight import confined, prepare, reaching, settings_of
from engine.runtime.purse import RunPurse, book_left_open
from engine.runtime.reading import Reading
from engine.runtime.record import Record
from engine.runtime.supervisor import Supervisor
from engine.runtime.taping import Tape, places, tape_of
from engine.runtime.wanted import Wanted
from engine.runtime.world import World
from workspaces.errors import WorkspaceError
from workspaces.layout import PRIVATE, Layout
from workspaces.repository import Repository

log = logging.getLogger(__name__)


class LocalEngine(Reading):
    """What `engine.api.calls.Engine` asks for, in earnest."""

    def __init__(self, repo: Repository, layout: Layout, record: Record) -> None:
        super().__init__(repo, layout, record)
        self.intake = Intake(record, layout)
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.on_rest: asyncio.Event = asyncio.Event()
        self._supervisor = Supervisor(record, layout)
        self._obstacles = Obstacles(record)
        self._wanted = Wanted.of(record.state)
        self._environment: Mapping[str, str] = dict(os.environ)
        self._tape: Tape | None = None
        self._effects: Effects | None = None
        self._changing = asyncio.Lock()
        self._frozen: dict[str, int] = {}
        self._spool = Spool(layout.state / "holds")
        self._purse = RunPurse(record, self._spool)
        self._tier: Tier = UNCONFINED  # until it is found out
        self._due = False
        self._tasks: set[asyncio.Task[None]] = set()
        record.listen(self._heard)

    # -- coming up and going down ----------------------------------------------------------------------------------

    async def come_up(self, notices: Sequence[str] = ()) -> None:
        """Take up the record: what was under way is interrupted, and goes on. `notices` are worth recording."""
        self._tier = await self._confinement()
        held = {name: "kill" if hold.how == "killed" else "stop" for name, hold in self._holds().items()}
        kept = await self._put_aside(held)
        report = c.CameUp(
            epoch=self.record.state.epoch + 1,
            pid=os.getpid(),
            version=VERSION,
            confinement=self._tier.label,
            holes=self._tier.holes,
            held=held,  # type: ignore[arg-type]  # the two words above
        )
        await self.record.report(report)
        if self._spool.holds:
            book_left_open(self.record, self._spool, self.booked())
        for text in notices:
            self.record.report(c.Noticed(text=text))
        for told in kept:
            self.record.report(told)
        for told in await untold(self.repo.git, self.record.state):  # of what is not told just now
            self.record.report(told)
        await self._bring_back()
        self._do(self._drop_old())
        if self._run_on() is not None:
            await self._enter_or_rest()

    async def _bring_back(self) -> None:
        """What a person has brought back without an engine: the next rounds begin with it."""
        for ref, commit in (await undo.wanted(self.repo.git)).items():
            with suppress(CallRefused):  # dropped meanwhile
                await self.submit(c.BringBack(kept=commit), actor="person")
            await undo.done(self.repo.git, ref)

    async def _drop_old(self) -> None:
        """Of work that was put aside, what is too old or too much goes."""
        try:
            limits = settings_of(self.repo.root).limits
        except CallRefused:
            limits = LimitSettings()
        dropped = await undo.drop_old(self.repo.git, self.record.state, limits.keep, limits.keep_size, now=time.time())
        if dropped is not None and not self.record.broken.done():
            self.record.report(dropped)

    def _holds(self) -> Mapping[str, records.Hold]:
        return records.held(self.layout.processes)

    async def _confinement(self) -> Tier:
        """The strongest tier that holds here, found by trying; the user may have narrowed what is tried."""
        mechanisms: Sequence[Mechanism] = MECHANISMS
        with suppress(CallRefused):  # a run will say what is wrong with the settings
            mechanisms = settings_of(self.repo.root).security.mechanisms
        self.layout.scratch.mkdir(mode=PRIVATE, exist_ok=True)
        return await probe(mechanisms, scratch=self.layout.scratch)

    async def _put_aside(self, held: Mapping[str, str]) -> list[c.PutAside | c.Noticed]:
        try:
            settings = settings_of(self.repo.root)
        except CallRefused:
            settings = None
        cells = Cells(self.repo, self.layout, settings, env=self._environment, tier=self._tier)
        return await put_aside(
            self.record.state, held, repo=self.repo, layout=self.layout, env=self._environment, cells=cells
        )

    async def _enter_or_rest(self) -> None:
        """Go on with the run; where its settings are not usable any more it comes to rest, saying why."""
        try:
            await self._enter()
        except CallRefused as error:
            log.error("the run can not go on: %s", error)
            self.record.submit(c.StopRun(reason=str(error)), actor="engine")

    async def go_down(self, reason: str, *, kill: bool) -> None:
        """Bring everything to rest, in order."""
        self._obstacles.close()
        if kill and self._world is not None:
            await self._supervisor.kill(list(self._world.members), self._world)
        await self.record.report(c.GoesDown(reason=reason))
        await self._leave()
        await asyncio.gather(*self._tasks)
        self.intake.write_states()
        self.record.snapshot()
        self.record.checkpoint()

    async def freeze_all(self) -> None:
        """The record is broken: nothing may go on."""
        places = self._world.places() if self._world is not None else []
        await asyncio.gather(*(place.freeze() for place in places), return_exceptions=True)

    # -- what clients ask for ------------------------------------------------------------------------------------------

    async def submit(self, request: c.Requests, *, actor: str) -> Sequence[e.Event]:
        """Decide a request; returns when what followed is durable."""
        if isinstance(request, c.BringBack):
            request = await undo.found(self.repo.git, request.kept)
        try:
            events = await self.record.submit(request, actor=actor)
        except Refused as error:
            raise CallRefused(error.reason, code=error.code) from error
        if isinstance(request, c.SteerAgent):
            await self._steer(request)
        return events

    async def _steer(self, request: c.SteerAgent) -> None:
        """Into its turn where its program takes that, else into its inbox."""
        member = self._world.members.get(request.agent) if self._world is not None else None
        if member is not None and member.session is not None and await member.session.steer(request.text):
            await self.record.report(c.Steered(agent=request.agent, text=request.text, delivered=True))
        elif self.intake.post is not None:
            await self.intake.post.steer(request.agent, request.text, time.time())

    async def start_run(self, request: RunRequest, *, actor: str) -> str:
        """Begin a run, or take up the unfinished one; its id."""
        run = self.record.state.run
        environment = request.environment or self._environment
        if request.resume:
            return await self._resume(run, request.unconfined, environment, actor)
        if run is not None and run.unfinished:
            raise CallRefused(Busy(run.id, "at rest" if run.outcome else "under way").reason, code="busy")
        ready = await prepare(self.repo.root, request, at=time.time(), environment=environment, tier=self._tier)
        self._environment = environment
        self._tape = tape_of(request, self._places, self._secrets)
        await self.repo.pin(ready.start.run, ready.start.base)
        await self.submit(ready.start, actor=actor)
        await self._enter()
        return ready.start.run

    def _places(self, agent: str) -> Mapping[str, str]:
        member = self._world.members.get(agent) if self._world is not None else None
        return places(self.layout, self.repo.root, member.place.home if member is not None else None, agent)

    def _secrets(self) -> Sequence[str]:
        """What must not stand on a tape: the agents' tokens, and the keys that a client handed over."""
        tokens = self._world.models.tokens() if self._world is not None else ()
        allowed = allowed_environment(self._environment)
        return [*tokens, *(text for name, text in self._environment.items() if name not in allowed and text)]

    async def _resume(self, run: Run | None, accepted: bool, environment: Mapping[str, str], actor: str) -> str:
        if run is None or not run.unfinished:
            raise CallRefused("there is no unfinished run here; start one with `quarterdeck run`", code="over")
        crew = [agent.spec for agent in self.record.state.agents.values()]
        confined(settings_of(self.repo.root), crew, self._tier, accepted or run.unconfined)
        self._environment = environment
        if run.outcome is not None:
            await self.submit(c.ResumeRun(unconfined=accepted), actor=actor)
        return run.id

    async def kill(self, agent: str | None) -> Sequence[dict[str, Any]]:
        """Kill one agent, or all."""
        return await self._supervisor.kill(self._named(agent), self._world)

    async def settled(self, agent: str | None, wanted: str) -> Sequence[dict[str, Any]]:
        """Return when the agents are indeed as wanted."""
        names = self._named(agent)
        while not all(self._is(name, wanted) for name in names):
            await self.changed(self.seq)
        await self.changed(self.record.state.seq - 1)  # what is so is said once it is durable
        return [self._as_settled(name, wanted) for name in names]

    def _is(self, name: str, wanted: str) -> bool:
        agent = self.record.state.agents[name]
        if wanted == "paused":
            return agent.pause == "frozen" or bool(agent.held)
        if wanted == "stopped":
            return bool(agent.held) and not agent.ending
        return not (agent.pause or agent.held)

    def _as_settled(self, name: str, wanted: str) -> dict[str, Any]:
        agent = self.record.state.agents[name]
        proof = agent.proof or (f"{self._frozen.get(name, 0)} processes stand still" if wanted == "paused" else "")
        return {"agent": name, "state": wanted, "processes": self._frozen.get(name, 0), "proof": proof}

    def end(self, *, kill: bool) -> None:
        """Begin to end the engine."""
        if not self.ended.done():
            self.ended.set_result(kill)

    # -- following the record --------------------------------------------------------------------------------------

    def _run_on(self) -> Run | None:
        run = self.record.state.run
        return run if run is not None and run.outcome is None else None

    def _heard(self, event: e.Event) -> None:
        self._wanted.take(event)
        match event.data:
            case e.AgentPaused(processes=count):
                self._frozen[event.agent] = count
            case e.AgentResumed():
                records.release(self.layout.processes, event.agent)
            case e.RunResumed():
                self._do(self._enter_or_rest())
            case e.RunEnded():
                self._do(self._come_to_rest(self._tape))
            case _:
                pass
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._reconcile)

    def _reconcile(self) -> None:
        self._due = False
        if self._effects is not None:
            self._effects.reconcile(self._wanted)
        self._supervisor.reconcile(self._wanted, self._world)
        self._obstacles.watch(self.repo)

    def _do(self, work: Any) -> None:  # noqa: ANN401  any coroutine
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _enter(self) -> None:
        """Make the run's world, if it is not there, and begin what is wanted in it."""
        async with self._changing:
            run = self._run_on()
            if run is None or self._world is not None:
                return
            settings = settings_of(self.repo.root)
            confined(settings, [agent.spec for agent in self.record.state.agents.values()], self._tier, run.unconfined)
            if self._tape is None:
                reaching(settings, self._environment)
            self._world = World(
                self.record.state,
                run,
                repo=self.repo,
                layout=self.layout,
                settings=settings,
                env=self._environment,
                sayings=self._sayings,
                tier=self._tier,
                names=await self.repo.names(run.base),
                refused=self._refused,
                purse=self._purse,
                tape=self._tape,
            )
            self._world.tell_kept(self._kept)
            self._effects = Effects(self.record, self._world)
            self._watch_crew(self._world)
        self._reconcile()

    def _refused(self, asked: Asked) -> None:
        self.record.report(c.Barred(agent=asked.agent, host=asked.host, port=asked.port, why=asked.why))

    def _kept(self, told: c.PutAside | c.Noticed) -> None:
        if not self.record.broken.done():
            self.record.report(told)

    def _watch_crew(self, world: World) -> None:
        def trust(agent: str) -> Trust:
            settings = world.agent_settings(agent)
            return settings.trust if settings is not None else "untrusted"

        post = Post(self.record, self.layout, trust, self.intake.stillness)
        self.intake.crew(post, list(world.members))
        self.intake.busy(on=True)

    async def _leave(self) -> None:
        """End the run's world: no effect and no keeper is left."""
        async with self._changing:
            world, effects = self._world, self._effects
            self._world = self._effects = None
            if effects is not None:
                await effects.close()
            if world is not None:
                await world.keep_leavings()
                await world.close()
            self.intake.busy(on=False)

    async def _come_to_rest(self, tape: Tape | None) -> None:
        """The world goes, unless somebody in it waits for a person and can go on where it stands."""
        run = self.record.state.run
        if run is None or not run.unfinished or not any(agent.stage for agent in self.record.state.agents.values()):
            await self._leave()
        if self._run_on() is None:
            if tape is not None and not (run is not None and run.unfinished):
                tape.close()
                self._tape = None if self._tape is tape else self._tape  # another run may have begun with its own
            await self._drop_old()
            note = self.record.checkpoint()
            if note:
                await self._note(note)
            self.record.snapshot()
        self.on_rest.set()

    async def _note(self, checkpoint: str) -> None:
        """Repeat the checkpoint as a git note on the target, so that a copy leaves the record's file."""
        run = self.record.state.run
        if run is None:
            return
        try:
            who = await self.repo.committer()
            env = {"GIT_COMMITTER_NAME": who.name, "GIT_COMMITTER_EMAIL": who.email}
            env |= {"GIT_AUTHOR_NAME": who.name, "GIT_AUTHOR_EMAIL": who.email}
            tip = await self.repo.tip(run.target)
            args = ("notes", "--ref=quarterdeck", "add", "-f", "-F", "-", tip)
            await self.repo.git.run(*args, stdin=checkpoint.encode(), env=env)
        except WorkspaceError as error:
            log.warning("the checkpoint could not be kept as a note: %s", error)
