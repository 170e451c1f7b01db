"""Everything a run's hands work with: the repository, the crew's places, check trees, artifacts, what was handed over.

Made anew for each run, and after a restart, from the settings and the record.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.agents.environment import allowed_environment
from engine.config.crew import limits as limits_of
from engine.config.gateways import upstreams
from engine.config.settings import Agent as AgentSettings
from engine.config.settings import Settings
from engine.core.state import Run, State
from engine.core.values import AgentSpec
from engine.gateway.call import Asked
from engine.gateway.llm.ports import Cache, Tape
from engine.processes.confinement.tiers import Tier
from engine.runtime.cells import Cells
from engine.runtime.gates import Gates
from engine.runtime.leavings import Tell
from engine.runtime.looking import Looking
from engine.runtime.member import Member, Place
from engine.runtime.models import RunModels
from engine.runtime.purse import RunPurse
from engine.runtime.room import Room
from engine.runtime.sayings import Sayings
from engine.runtime.ways_out import WaysOut
from workspaces.artifacts.store import Artifacts
from workspaces.clones.clone import Clone
from workspaces.layout import Layout
from workspaces.merge.trailers import Trailers
from workspaces.repository import Identity, Repository

log = logging.getLogger(__name__)


class World:
    """The hands' surroundings for one run."""

    def __init__(
        self,
        state: State,
        run: Run,
        *,
        repo: Repository,
        layout: Layout,
        settings: Settings,
        env: Mapping[str, str],
        sayings: Sayings,
        tier: Tier,
        names: Sequence[str],
        refused: Callable[[Asked], None],
        purse: RunPurse,
        tape: Tape | None = None,
    ) -> None:
        self.sayings = sayings
        self.run_id, self.repo, self.layout, self.settings = run.id, repo, layout, settings
        self.env = allowed_environment(env)
        self.purse = purse
        there = upstreams(settings, env, keyless=tape is not None and tape.plays)
        self.models = RunModels(settings, there, purse, cache=_cache(settings, layout), tape=tape)
        self.trailers = Trailers(repo.git)
        self.ways_out = WaysOut(layout.runs / run.id / "network.log", refused)
        self.cells = Cells(repo, layout, settings, env=self.env, tier=tier, names=names, ways_out=self.ways_out)
        self.looking = Looking(repo, layout.processes, self.env, self.cells)
        self.members = {name: self._member(agent.spec) for name, agent in state.agents.items()}
        self.limits = replace(limits_of(settings), agents=run.limits.agents)
        self.gates = Gates(repo, layout, settings.project, self.env, self.cells, limits=self.limits)
        self._committer: Identity | None = None
        self._hooks: str | None = None

    def _member(self, spec: AgentSpec) -> Member:
        self.layout.create_agent(spec.name)
        folder = self.layout.tree(spec.name)
        project, settings = self.settings.project, self.settings.agents.get(spec.pool or spec.name)
        setting = f"`network` of [agents.{spec.pool or spec.name}.permissions]"
        declared = (*project.setup_network, *(settings.permissions.network if settings else ()))
        models = self.models if self.models.reached_by(settings) else None
        way_out = self.cells.way_out(spec.name, setting, declared=declared, models=models)
        cell = self.cells.agent(spec.name, folder, settings)
        place = Place(spec.name, self.layout.processes, Room(self.env, cell, way_out))
        clone = Clone(
            self.repo,
            folder,
            spec.name,
            place,
            copies=project.copies,
            keep_ignored=bool(project.setup),
        )
        return Member(spec, clone=clone, place=place)

    def tell_kept(self, tell: Tell) -> None:
        """Where it is said from now on what is kept of work that was cut short."""
        for member in self.members.values():
            member.leavings.tell = tell

    async def keep_leavings(self) -> None:
        """Keep what agents have left in their clones that nobody has taken in; whatever still runs there is ended."""
        left = [member for member in self.members.values() if member.leavings.open is not None]
        ended = await asyncio.gather(*(_clear_up(member) for member in left), return_exceptions=True)
        for member, error in zip(left, ended, strict=True):
            if isinstance(error, Exception):
                log.warning("what %s left stays in its clone: %s", member.spec.name, error)

    def agent_settings(self, name: str) -> AgentSettings | None:
        """What the configuration says of an agent, by its pool."""
        spec = self.members[name].spec
        return self.settings.agents.get(spec.pool or spec.name)

    def credentials(self, spec: AgentSpec) -> tuple[str, ...]:
        """The files of the user's HOME whose copies an agent gets: by its name, its pool and its runtime."""
        named = self.settings.credentials
        found = [name for key in (spec.name, spec.pool, spec.runtime) for name in named.get(key, ())]
        return tuple(dict.fromkeys(found))

    def artifacts(self, task: str, attempt: int) -> Artifacts:
        """Where an attempt's traces go."""
        return Artifacts(self.layout.artifacts(self.run_id, task, attempt))

    def transcript(self, task: str, attempt: int, kind: str, agent: str) -> Path:
        """Where an agent's output goes."""
        return self.layout.transcripts / self.run_id / f"{task}.{attempt}.{kind}.{agent}.log"

    async def committer(self) -> Identity:
        """The person in whose name is committed; asked of git once."""
        if self._committer is None:
            self._committer = await self.repo.committer()
        return self._committer

    async def hooks(self) -> str:
        """The folder of the repository that holds the person's hooks, empty where none does; asked of git once."""
        if self._hooks is None:
            self._hooks = await self.repo.hooks()
        return self._hooks

    def places(self) -> Sequence[Place]:
        """Everything that holds processes."""
        crew = (member.place for member in self.members.values())
        return [*crew, *self.gates.places(), *self.looking.places()]

    async def close(self) -> None:
        """End every keeper. Copies of log-ins go with them."""
        for member in self.members.values():
            await member.give_back()
        await self.looking.close()
        for place in self.places():
            await place.close()
        await self.models.close()
        self.ways_out.close()


def _cache(settings: Settings, layout: Layout) -> Callable[[], Cache] | None:
    """Makes the memory of answers, where the crew has one."""
    if not settings.cache.on:
        return None

    def make() -> Cache:
        from engine.gateway.llm.cache import DiskCache  # noqa: PLC0415  a database, for those who want it

        return DiskCache(layout.state / "answers", settings.cache.size)

    return make


async def _clear_up(member: Member) -> None:
    await member.place.kill()  # one that stands still would let nobody in
    await member.leavings.clear_up()
