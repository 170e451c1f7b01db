"""The crew of a first `quarterdeck.toml`: a section for each agent that is installed, every line explained.

An agent that reaches its models is written so that it works; any other as a comment, with what it lacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.config.tools import Tool
from engine.config.vendors import VENDORS

OWN = "~/.config/quarterdeck/config.toml"
"""The user's own file, as it is called in comments of a file that others read too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An agent that is installed. `live`: it is of the crew, `alone` in it. `reaches`: there is a key to its models."""

    tool: Tool
    version: str
    reaches: bool
    live: bool
    alone: bool


def crew_lines(agents: Sequence[Found]) -> list[str]:
    """The lines of the crew."""
    lines = list(_HEAD)
    for one in sorted(agents, key=lambda found: not found.live):
        lines += [""] if one.live else ["#"]
        lines += _live(one) if one.live else _idle(one)
    return [*lines, *([] if agents else _NOBODY), "#", *_ANY_PROGRAM]


def quoted(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _live(one: Found) -> list[str]:
    vendor = VENDORS[one.tool.kind]
    tiers = ", ".join(f"{tier} ({model})" for tier, model in vendor.models.items())
    return [
        f"[agents.{one.tool.runtime}]",
        f"runtime = {quoted(one.tool.runtime)}  # {one.tool.title} {one.version}".rstrip(),
        'does = ["implement", "review"]  # also: plan, and any word that tasks ask for under `needs`',
        f'tier = "standard"  # {tiers}',
        'budget = "2usd"  # of a run; at the line it stands still until you raise it',
        f"instances = {2 if one.alone else 1}  # nobody reviews work of their own",
    ]


def _idle(one: Found) -> Iterator[str]:
    """The same as a comment, with how it gets to its models."""
    yield from (f"# {line}" for line in _live(one))
    kind = one.tool.kind
    if not one.reaches:
        yield f"# It has no key: set ${VENDORS[kind].key} where you start Quarterdeck, or write [gateway.{kind}] with a"
        yield f"# key (env:, keyring: or command:) to your own settings, {OWN}."
    if one.tool.login:
        files = ", ".join(quoted(file) for file in one.tool.login)
        yield f"# To let it have a copy of its own log-in, write there: [credentials] {one.tool.runtime} = [{files}]"
        if one.tool.hosts:
            hosts = ", ".join(quoted(host) for host in one.tool.hosts)
            yield f"# and here: permissions.network = [{hosts}]"


_HEAD = (
    "# The crew. Each agent works in a clone of its own. It sees that and the system, not your HOME, and changes",
    "# nothing but its clone; `quarterdeck doctor` says how well that holds here, and how each reaches its models.",
    "# Keys stay with Quarterdeck. permissions.ask says which commands of an agent you want to be asked about.",
)
_NOBODY = ("# None of the coding agents known was found here, and without one nothing can run.",)
_ANY_PROGRAM = (
    "# Any other program can be an agent as well: it reads its task from the file named by $QUARTERDECK_TASK (JSON),",
    "# leaves its change in its clone and exits with 0.",
    "# [agents.builder]",
    '# runtime = "command"  # or "acp", for one that speaks the Agent Client Protocol',
    '# command = ["./my-agent", "--once"]',
    '# does = ["implement"]',
    "# instances = 1",
    '# permissions.network = ["example.org:443"]  # it reaches nothing else but its models',
)
