"""The first `quarterdeck.toml`: what was found here, with every line explained.

It proposes text and writes it only where there is none. It runs nothing but `--version` of what is installed, and what
it does not know it says instead of guessing: without a test command the gate it writes fails until a person mends it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config import testing
from engine.config.errors import ConfigError
from engine.config.init_crew import Found, crew_lines, quoted
from engine.config.load import PROJECT_FILE
from engine.config.testing import Guess
from engine.config.tools import installed
from engine.config.userfile import gateway_kinds, user_file
from engine.config.vendors import VENDORS
from engine.config.versions import versions

CREW = 2
NO_TESTS = "echo 'no test command was found: write yours to check in quarterdeck.toml' >&2; exit 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A file to write. `check` is the proposed gate (None: nothing was found), `agents` what is installed.

    `crew` are those that it makes agents of: they reach their models. `saw` says in words what it rests on.
    """

    text: str
    check: str | None
    agents: tuple[str, ...]
    crew: tuple[str, ...]
    saw: tuple[str, ...]


def propose(root: Path, *, path: str | None = None, environment: Mapping[str, str] | None = None) -> Proposal:
    """What to write at `root`.

    `path` is the PATH that programs are looked up on, `environment` what may hold keys; by default this process's.
    """
    environment = os.environ if environment is None else environment
    path = environment.get("PATH", os.defpath) if path is None else path
    found = testing.guesses(root, path)
    agents = _found(root, path, environment)
    return Proposal(
        text="\n".join([*_project(found), "", *_LIMITS, "", *crew_lines(agents), "", *_APPROVALS, ""]),
        check=found[0].check if found else None,
        agents=tuple(one.tool.program for one in agents),
        crew=tuple(one.tool.program for one in agents if one.live),
        saw=(_saw_tests(found), *_saw_agents(agents)),
    )


def _found(root: Path, path: str, environment: Mapping[str, str]) -> tuple[Found, ...]:
    """The agents that are installed; the first two that reach their models make the crew."""
    tools = installed(path)
    said = versions(tools, path, root)
    kinds = {kind for kind, vendor in VENDORS.items() if environment.get(vendor.key)} | gateway_kinds(user_file())
    crew = [tool for tool in tools if tool.kind in kinds][:CREW]
    return tuple(
        Found(
            tool=tool,
            version=said[tool.runtime],
            reaches=tool.kind in kinds,
            live=tool in crew,
            alone=crew == [tool],
        )
        for tool in tools
    )


def write(root: Path, proposal: Proposal) -> Path:
    """Write the file, unless there is one.

    Raises `ConfigError` when there is, or when it cannot be written.
    """
    path = root / PROJECT_FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(proposal.text)
    except FileExistsError as error:
        raise ConfigError("is there already", file=PROJECT_FILE, way_out="edit it, or move it away first") from error
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror or error}", file=PROJECT_FILE) from error
    return path


def _saw_tests(found: list[Guess]) -> str:
    if not found:
        return "tests: nothing that looks like a test command; the gate fails until you write one"
    first, *others = found
    also = f" (also possible: {', '.join(guess.check for guess in others)})" if others else ""
    return f"tests: {first.check}, because of {first.saw}{also}"


def _saw_agents(agents: tuple[Found, ...]) -> list[str]:
    names = ", ".join(f"{one.tool.title} {one.version}".strip() for one in agents)
    if not agents:
        return ["agents: none of those known is on PATH"]
    crew = ", ".join(one.tool.runtime for one in agents if one.live)
    keys = ", ".join(dict.fromkeys(f"${VENDORS[one.tool.kind].key}" for one in agents))
    none = f"crew: none yet, for no key to models was found; set one of {keys} and write the file anew, or edit it"
    return [f"agents: {names}", f"crew: {crew}" if crew else none]


def _project(found: list[Guess]) -> list[str]:
    lines = ["# How Quarterdeck works in this repository. Keep this file in git.", "", "[project]"]
    lines += ['# target = "main"          # the branch merged into; without it, the one checked out when a run starts']
    lines += ["# The gate: shell lines that every change must pass, together with what was merged before it."]
    if not found:
        lines += ["# Nothing that looks like a test command was found here, so this one fails: write yours."]
        lines += [f"check = [{quoted(NO_TESTS)}]"]
    for number, guess in enumerate(found):
        mark = "" if number == 0 else "# "
        lines += [f"{mark}check = [{quoted(guess.check)}]  # because of {guess.saw}"]
    lines += ["# Run once in every fresh tree, before anything else; hosts it may reach; ignored files brought along."]
    return lines + _setup(found[0] if found else None)


def _setup(guess: Guess | None) -> list[str]:
    lines = ['# setup = ["npm ci"]', '# setup_network = ["registry.npmjs.org:443"]']
    if guess and guess.setup:
        hosts = ", ".join(quoted(host) for host in guess.setup_network)
        lines = [f"setup = [{quoted(guess.setup)}]", f"setup_network = [{hosts}]"]
    review = "# review = false           # for a crew in which nobody reviews"
    return [*lines, '# copies = [".env"]', review]


_LIMITS = [
    "[limits]",
    "agents = 4                 # at once",
    'budget = "5usd"            # a run; or tokens: "200ktok", "1.5mtok"',
    '# task_budget = "1usd"     # each task; day_budget: all runs of one day',
    "attempts = 3               # rounds of work a task",
    '# memory = "4GB"           # of each agent; also processes, disk, file, output, log, time (`quarterdeck doctor`)',
]
_APPROVALS = [
    "# Who decides on a task before it is merged, by the risk that the task states (low unless it says so):",
    "# auto: nobody, confirm: you confirm, review: you review the change.",
    "[approvals]",
    'low = "auto"',
    'medium = "confirm"',
    'high = "review"',
]
