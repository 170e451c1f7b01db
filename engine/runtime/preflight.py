"""Everything that can be wrong with a run is found here, before anything has happened.

It only reads: the settings, the repository, the plan. What comes out is the core's own request, complete; what is
wrong leaves as one refusal with the contract's exit code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import defpath
from pathlib import Path

from msgspec.structs import replace

from engine.api.calls import CallRefused, RunRequest
from engine.config.confinement import too_weak
from engine.config.crew import crew as crew_of
from engine.config.crew import limits as limits_of
from engine.config.errors import ConfigError
from engine.config.gateways import kind_for, routes, upstreams
from engine.config.load import load
from engine.config.plan import parse_plan, to_specs
from engine.config.programs import missing_programs
from engine.config.reach import cut_off
from engine.config.settings import Settings
from engine.config.tools import BY_RUNTIME
from engine.config.userfile import user_file
from engine.core.amounts import BadAmount
from engine.core.amounts import parse as parse_amount
from engine.core.commands import StartRun
from engine.core.patterns import PATTERNS
from engine.core.plans import Problem, missing_capabilities
from engine.core.values import AgentSpec, Limits, TaskSpec
from engine.gateway.llm.values import Upstream
from engine.messages.envelope import new_id
from engine.processes.confinement.tiers import Tier
from workspaces.errors import WorkspaceError
from workspaces.repository import Repository

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A run that can begin: the request for the core, and what the hands need besides."""

    start: StartRun
    settings: Settings
    repo: Repository


def settings_of(root: Path) -> Settings:
    """The project's and the user's settings together. Raises CallRefused."""
    try:
        return load(root, user=user_file())
    except ConfigError as error:
        raise CallRefused(str(error), code="config") from error


async def repository(root: Path) -> Repository:
    """The repository around a folder. Raises CallRefused."""
    try:
        return await Repository.open(root)
    except WorkspaceError as error:
        raise CallRefused(str(error), code="repository") from error


async def prepare(root: Path, request: RunRequest, *, at: float, environment: Mapping[str, str], tier: Tier) -> Ready:
    """Check a request for a new run; `environment` is what its client handed over, `tier` is in force.

    Raises CallRefused.
    """
    repo = await repository(root)
    settings = settings_of(repo.root)
    goal, specs = _asked(request)
    played = request.replay is not None
    crew = _metered(settings, _crew(settings, request.agent), upstreams(settings, environment, keyless=played))
    pattern = _pattern(request, crew, specs)
    _able(crew, specs, pattern, settings)
    _programs(settings, environment, repo.root, played=played)
    confined(settings, crew, tier, request.unconfined)
    target, base = await _target(repo, request.target or settings.project.target)
    start = StartRun(
        run=new_id(at),
        goal=goal,
        pattern=pattern,
        target=target,
        base=base,
        crew=crew,
        limits=_limits(settings, request.budget),
        check=settings.project.check,
        tasks=specs,
        approvals={str(risk): level for risk, level in settings.approvals.items()},
        review=settings.project.review,
        allow_red=request.allow_red,
        unconfined=request.unconfined,
        notices=await _notices(repo),
    )
    return Ready(start=start, settings=settings, repo=repo)


def _asked(request: RunRequest) -> tuple[str, tuple[TaskSpec, ...]]:
    """The goal, and the tasks where they are given."""
    if request.plan is None:
        if not request.goal.strip():
            raise CallRefused("say what is to be done: `quarterdeck run GOAL`, or --plan FILE", code="usage")
        goal = TaskSpec(id="goal", title=request.goal, prompt=request.goal, agent=request.agent)
        return request.goal, (goal,) if request.agent else ()
    try:
        plan = parse_plan(request.plan, name=request.plan_name or "plan")
    except ConfigError as error:
        raise CallRefused(str(error), code="plan") from error
    specs = to_specs(plan)
    if request.agent is not None:
        specs = tuple(spec if spec.agent else replace(spec, agent=request.agent) for spec in specs)
    return request.goal or plan.goal or request.plan_name, specs


def _crew(settings: Settings, only: str | None) -> tuple[AgentSpec, ...]:
    try:
        crew = crew_of(settings)
    except ConfigError as error:
        raise CallRefused(str(error), code="config") from error
    if only is not None and not any(only in {agent.name, agent.pool} for agent in crew):
        names = ", ".join(agent.name for agent in crew) or "none"
        raise CallRefused(f'there is no agent "{only}"; quarterdeck.toml has {names}', code="usage")
    return crew


def _pattern(request: RunRequest, crew: tuple[AgentSpec, ...], specs: tuple[TaskSpec, ...]) -> str:
    if request.pattern is None:
        plans = request.plan is not None or (not specs and any("plan" in agent.does for agent in crew))
        return "pipeline" if plans else "solo"
    if request.pattern not in PATTERNS:
        known = ", ".join(sorted(PATTERNS))
        raise CallRefused(f'there is no pattern "{request.pattern}"; there are {known}', code="usage")
    return request.pattern


def _able(crew: tuple[AgentSpec, ...], specs: tuple[TaskSpec, ...], pattern: str, settings: Settings) -> None:
    found = missing_capabilities(crew, specs, pattern, review=settings.project.review)
    if found:
        raise CallRefused("; ".join(told(problem) for problem in found[:SHOWN]), code="plan")


def told(problem: Problem) -> str:
    """A problem in one line, with the task it is about and the way out."""
    where = f'task "{problem.task}": ' if problem.task else ""
    way_out = f" ({problem.way_out})" if problem.way_out else ""
    return f"{where}{problem.text}{way_out}"


def _metered(settings: Settings, crew: tuple[AgentSpec, ...], there: Mapping[str, Upstream]) -> tuple[AgentSpec, ...]:
    """The crew, with those marked that no gateway meters although they ask models: by their own word, which is late."""

    def late(spec: AgentSpec) -> bool:
        agent = settings.agents[spec.pool or spec.name]
        return spec.runtime in BY_RUNTIME and kind_for(settings, agent) not in routes(settings, agent, there)

    return tuple(replace(spec, late=True) if late(spec) else spec for spec in crew)


def _programs(settings: Settings, environment: Mapping[str, str], root: Path, *, played: bool) -> None:
    """Every program is there, and a way to its models for each that asks them, unless those are played."""
    missing = missing_programs(settings, environment.get("PATH", defpath), root)
    if not played:
        missing += cut_off(settings, environment)
    if missing:
        raise CallRefused("; ".join(str(one) for one in missing[:SHOWN]), code="program")


def confined(settings: Settings, crew: Sequence[AgentSpec], tier: Tier, accepted: bool) -> None:
    """Refuse agents that ask for more confinement than is in force; `accepted`: the user takes none at all."""
    weak = too_weak(settings, crew, tier, allowed=accepted)
    if weak:
        raise CallRefused("; ".join(str(one) for one in weak[:SHOWN]), code="confinement", exit_code=5)


def reaching(settings: Settings, environment: Mapping[str, str]) -> None:
    """Refuse to go on where an agent has no way to its models any more: keys are with clients, and not kept."""
    missing = cut_off(settings, environment)
    if missing:
        told_ = "; ".join(str(one) for one in missing[:SHOWN])
        raise CallRefused(f"{told_}; `quarterdeck run --resume` hands keys over again", code="program")


async def _target(repo: Repository, named: str | None) -> tuple[str, str]:
    try:
        target = await repo.target(named)
        return target, await repo.tip(target)
    except WorkspaceError as error:
        raise CallRefused(str(error), code="target") from error


def _limits(settings: Settings, budget: str | None) -> Limits:
    limits = limits_of(settings)
    if budget is None:
        return limits
    try:
        return replace(limits, budget=parse_amount(budget))
    except BadAmount as error:
        raise CallRefused(str(error), code="usage") from error


async def _notices(repo: Repository) -> tuple[str, ...]:
    uncommitted = await repo.uncommitted()
    said = list(repo.notices)
    if uncommitted:
        count = len(uncommitted)
        noun = "file is" if count == 1 else "files are"
        said.append(f"{count} uncommitted {noun} not seen by agents: {', '.join(uncommitted[:SHOWN])}")
    return tuple(said)
