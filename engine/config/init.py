"""The first `quarterdeck.toml`: what was found here, with every line explained.

It proposes text and writes it only where there is none. It never runs anything, and what it does not know it says
instead of guessing: without a test command the gate it writes fails until a person mends it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from engine.config import testing
from engine.config.errors import ConfigError
from engine.config.load import PROJECT_FILE
from engine.config.testing import Guess
from engine.config.tools import Tool, installed

NO_TESTS = "echo 'no test command was found: write yours to check in quarterdeck.toml' >&2; exit 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A file to write. `check` is the proposed gate (None: nothing was found), `agents` what is installed.

    `saw` says in words what it rests on, a line each.
    """

    text: str
    check: str | None
    agents: tuple[str, ...]
    saw: tuple[str, ...]


def propose(root: Path, *, path: str | None = None) -> Proposal:
    """What to write at `root`; `path` is the PATH that programs are looked up on, by default this process's."""
    path = os.environ.get("PATH", os.defpath) if path is None else path
    found = testing.guesses(root, path)
    tools = installed(path)
    return Proposal(
        text="\n".join([*_project(found), "", *_LIMITS, "", *_agents(tools), "", *_APPROVALS, ""]),
        check=found[0].check if found else None,
        agents=tuple(tool.program for tool in tools),
        saw=(_saw_tests(found), _saw_agents(tools)),
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


def _saw_agents(tools: tuple[Tool, ...]) -> str:
    names = ", ".join(f"{tool.title} ({tool.program})" for tool in tools)
    return f"agents: {names or 'none of those known is on PATH'}"


def _project(found: list[Guess]) -> list[str]:
    lines = ["# How Quarterdeck works in this repository. Keep this file in git.", "", "[project]"]
    lines += ['# target = "main"          # the branch merged into; without it, the one checked out when a run starts']
    lines += ["# The gate: shell lines that every change must pass, together with what was merged before it."]
    if not found:
        lines += ["# Nothing that looks like a test command was found here, so this one fails: write yours."]
        lines += [f"check = [{_quoted(NO_TESTS)}]"]
    for number, guess in enumerate(found):
        mark = "" if number == 0 else "# "
        lines += [f"{mark}check = [{_quoted(guess.check)}]  # because of {guess.saw}"]
    lines += ["# Run once in every fresh tree, before anything else; hosts it may reach; ignored files brought along."]
    return lines + _setup(found[0] if found else None)


def _setup(guess: Guess | None) -> list[str]:
    lines = ['# setup = ["npm ci"]', '# setup_network = ["registry.npmjs.org:443"]']
    if guess and guess.setup:
        hosts = ", ".join(_quoted(host) for host in guess.setup_network)
        lines = [f"setup = [{_quoted(guess.setup)}]", f"setup_network = [{hosts}]"]
    review = "# review = false           # for a crew in which nobody reviews"
    return [*lines, '# copies = [".env"]', review]


def _agents(tools: tuple[Tool, ...]) -> list[str]:
    lines = ["# The crew. An agent is any program: it is started in a clone of its own, reads its task from the file"]
    lines += ["# named by $QUARTERDECK_TASK (JSON), leaves its change there and exits with 0."]
    lines += [
        "# It sees its clone and the system, not your HOME, and changes nothing but its clone; `quarterdeck doctor`"
    ]
    lines += ["# says how well that holds here."]
    lines += ["# Without at least one agent nothing can run: take the marks off one of these and adapt it."]
    if not tools:
        return lines + _section("builder", '["./my-agent", "--once"]', '["implement"]')
    for number, tool in enumerate(tools):
        lines += ["#", f"# {tool.title} is installed here.", *_login(tool)]
        does = '["implement"]' if number == 0 else '["implement", "review"]'
        lines += _section(tool.program, f'["sh", "-c", {_quoted(tool.line)}]', does, tool.hosts)
    return lines


def _login(tool: Tool) -> list[str]:
    if not tool.login:
        return []
    files = ", ".join(_quoted(file) for file in tool.login)
    return [
        "# It does not see your HOME. To let it have copies of its log-in, write this to your own settings",
        f"# (~/.config/quarterdeck/config.toml), below [credentials]: {tool.program} = [{files}]",
    ]


def _section(name: str, command: str, does: str, hosts: tuple[str, ...] = ("example.org:443",)) -> list[str]:
    return [
        f"# [agents.{name}]",
        '# runtime = "command"',
        f"# command = {command}",
        f"# does = {does}{' ' * 2}# also: plan, review, and any word that tasks ask for under `needs`",
        "# instances = 1",
        f"# permissions.network = [{', '.join(_quoted(host) for host in hosts)}]{' ' * 2}# it reaches nothing else",
    ]


def _quoted(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


_LIMITS = [
    "[limits]",
    "agents = 4                 # at once",
    'budget = "5usd"            # a run; or tokens: "200ktok", "1.5mtok"',
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
