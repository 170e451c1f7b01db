"""What is in order here, what is not, and how to mend it.

Findings are facts with a level; how they look is the command line's. Facts about git and the repository are given,
because this package knows no git.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from engine.bus.provider import GET_ONE
from engine.config import testing
from engine.config.confined import confinement, credentials, editable
from engine.config.crew import crew, limits
from engine.config.errors import ConfigError
from engine.config.finding import Finding
from engine.config.load import PROJECT_FILE
from engine.config.programs import missing_programs
from engine.config.reach import models
from engine.config.settings import LimitSettings, Settings
from engine.config.tools import Tool, installed
from engine.config.versions import versions
from engine.core import amounts
from engine.core.limits import shown
from engine.core.plans import missing_capabilities
from engine.processes.confinement.tiers import Tier

NOTHING: Mapping[str, str] = MappingProxyType({})
OLDEST_GIT = (2, 38)
"""The first whose `merge-tree` merges without a checkout."""


def findings(
    root: Path,
    settings: Settings | None,
    *,
    git: tuple[int, ...] | None,
    path: str,
    tier: Tier,
    error: ConfigError | None = None,
    notices: Sequence[str] = (),
    brokers: Sequence[str] = (),
    kept: str = "",
    environment: Mapping[str, str] = NOTHING,
) -> list[Finding]:
    """Everything `doctor` looks at, in the order it is shown.

    `git` is git's version (None: there is none), `path` the PATH agents get, `tier` what confines programs here as a
    probe found it, `error` why there are no settings, `notices` what is unusual about the repository, a sentence each,
    `brokers` those that the bus could use, `kept` how much cut-short work is put aside, `environment` what holds keys.
    """
    found = [_git(git), _python(path), _configuration(settings, error)]
    if settings is not None:
        found += [*_crew(settings), *_programs(settings, path, root), *models(settings, environment)]
        found += [_limits(settings), _budgets(settings)]
        found += [*credentials(settings), *_bus(settings, brokers)]
    found += [*_tools(path, root), *confinement(settings, tier), *editable(root, path, tier)]
    if kept:
        found.append(Finding(level="ok", what="put aside", detail=f"{kept}; `quarterdeck undo` lists it"))
    found += [Finding(level="warn", what="repository", detail=notice) for notice in notices]
    return found


def git_trouble(version: tuple[int, ...] | None) -> ConfigError | None:
    """Why this git does not do, with the way out; None when it does."""
    way_out = f"install git {'.'.join(map(str, OLDEST_GIT))} or newer"
    if version is None:
        return ConfigError("git is not on PATH", way_out=way_out)
    if version[:2] < OLDEST_GIT:
        return ConfigError(f"git {'.'.join(map(str, version))} is too old", way_out=way_out)
    return None


def _git(version: tuple[int, ...] | None) -> Finding:
    if trouble := git_trouble(version):
        return Finding(level="bad", what="git", detail=trouble.reason, mend=trouble.way_out)
    return Finding(level="ok", what="git", detail=".".join(map(str, version or ())))


def _python(path: str) -> Finding:
    names = [name for name in ("python", "python3") if shutil.which(name, path=path)]
    if not names:
        mend = "fine unless agents or checks need it"
        return Finding(level="warn", what="python", detail="neither python nor python3 is on PATH", mend=mend)
    if "python" not in names:
        mend = "write python3 in commands and checks"
        return Finding(level="warn", what="python", detail="only python3 is on PATH", mend=mend)
    return Finding(level="ok", what="python", detail=f"{testing.python(path)} is on PATH")


def _configuration(settings: Settings | None, error: ConfigError | None) -> Finding:
    if settings is not None:
        return Finding(level="ok", what="settings", detail=f"{PROJECT_FILE} is valid")
    if error is None:
        mend = "write one with `quarterdeck init`"
        return Finding(level="bad", what="settings", detail=f"no {PROJECT_FILE} here", mend=mend)
    detail = str(error) if error.also else error.complaint
    return Finding(level="bad", what="settings", detail=detail, mend=error.way_out or f"mend {error.file}")


def _crew(settings: Settings) -> Iterator[Finding]:
    try:
        agents = crew(settings)
    except ConfigError as error:
        yield Finding(level="bad", what="agents", detail=error.complaint, mend=error.way_out)
        return
    if not agents:
        mend = f"add an [agents.NAME] section to {PROJECT_FILE}"
        yield Finding(level="bad", what="agents", detail="no agent is configured", mend=mend)
    for problem in missing_capabilities(agents, (), "pipeline", review=settings.project.review):
        if agents and problem.field == "review":
            yield Finding(level="warn", what="review", detail=problem.text, mend=problem.way_out)
    for agent in agents:
        detail = f"{agent.runtime}, does {', '.join(agent.does) or 'nothing'}"
        yield Finding(level="ok" if agent.does else "warn", what=f"agent {agent.name}", detail=detail)


def _programs(settings: Settings, path: str, root: Path) -> Iterator[Finding]:
    for missing in missing_programs(settings, path, root):
        yield Finding(level="bad", what=missing.place, detail=missing.reason, mend=missing.way_out)


def _bus(settings: Settings, brokers: Sequence[str]) -> Iterator[Finding]:
    """Nothing for a project without a bus."""
    wanted = settings.bus.provider
    if not settings.bus.on:
        return
    usable = [name for name in brokers if wanted in {"auto", name.split()[0]}]
    if usable:
        yield Finding(level="ok", what="bus", detail=f"on, by {usable[0]}")
        return
    detail = f"on, but there is no {'broker' if wanted == 'auto' else wanted} here"
    yield Finding(level="warn", what="bus", detail=detail, mend=GET_ONE)


def _limits(settings: Settings) -> Finding:
    given = settings.limits
    detail = f"{given.agents} agents at once, {amounts.show(given.budget)} a run, {given.attempts} attempts a task"
    usual = dict(shown(limits(settings.model_copy(update={"limits": LimitSettings()}))))
    each = [
        f"{name} {value}" + (f" (default {usual[name]})" if value != usual[name] else "")
        for name, value in shown(limits(settings))
    ]
    return Finding(level="ok", what="limits", detail=detail, more=(f"of each agent: {', '.join(each)}",))


def _budgets(settings: Settings) -> Finding:
    given = settings.limits
    of = (("task", given.task_budget), ("run", given.budget), ("day", given.day_budget))
    marks = " and ".join(f"{mark} %" for mark in given.warn_at)
    detail = ", ".join(f"{amounts.show(amount)} a {what}" for what, amount in of)
    more = f"you are told at {marks}" if marks else "you are told nothing before it is reached"
    return Finding(
        level="ok", what="budgets", detail=detail, more=(more, f"at the line: {_AT_BUDGET[given.at_budget]}")
    )


_AT_BUDGET = {
    "hold": "the agent stands still, its request unanswered, until the budget is raised",
    "finish": "the agent gets a last answer that asks for nothing more",
    "refuse": "the agent gets an error (HTTP 402)",
}


def _tools(path: str, root: Path) -> Iterator[Finding]:
    """Each agent that is installed, with its version and what it can do."""
    tools = installed(path)
    if not tools:
        yield Finding(level="ok", what="installed", detail="none of the coding agents known is on PATH")
    said = versions(tools, path, root)
    for tool in tools:
        name = f"{tool.title} {said[tool.runtime]}".strip()
        yield Finding(level="ok", what=f"installed {tool.program}", detail=f"{name}: {', '.join(_can(tool))}")


def _can(tool: Tool) -> Iterator[str]:
    yield f'works alone (runtime = "{tool.runtime}")'
    yield "asks you for leave" if tool.asks else "never asks for leave"
    yield "takes up its session again" if tool.resumes else "begins anew each time"
    yield f"budgets hold by the gateway ({tool.kind})"
