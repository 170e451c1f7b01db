"""Every setting of `quarterdeck.toml` and of the user's `config.toml`, with its default.

These models say what may be written; where the files are and which of them wins is `load`'s.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo
from pydantic import field_validator as checked

from engine.config.access import HomeFiles, Hosts, Permissions, Security
from engine.config.spending import Cache, CacheSwitch, Gateway, Models, Prices
from engine.config.strict import Line, Lines, Strict, Word, Words
from engine.config.tools import TOOLS
from engine.config.written import (
    Budget,
    BudgetOrNone,
    GatewayName,
    Marks,
    ModelName,
    ModelNames,
    Size,
    SizeOrNone,
    SpanOrNone,
    Tier,
)
from engine.core.plans import is_id, is_inside
from engine.core.values import Level, Risk

RUNTIMES = ("command", "scripted", "acp", *(tool.runtime for tool in TOOLS))
ARGV = ("command", "acp")
"""The runtimes that are told which program to start; the others find theirs on PATH, or are told where it is."""
RESERVED = frozenset({"all", "engine", "person", "run"})
"""Names that mean something else on the command line or in the record."""


def _runtime(value: str) -> str:
    if value in RUNTIMES:
        return value
    near = difflib.get_close_matches(value, RUNTIMES, n=1)
    known = ", ".join(RUNTIMES)
    raise ValueError(
        f'there is no runtime "{value}"' + (f' (did you mean "{near[0]}"?)' if near else f" (known: {known})")
    )


def _inside(value: str) -> str:
    if not is_inside(value):
        raise ValueError(f'"{value}" must be a path relative to the repository\'s root, without ".."')
    return value


Inside = Annotated[Line, AfterValidator(_inside)]


class Project(Strict):
    """`[project]`: what is merged into, and what proves it."""

    check: Lines = Field(min_length=1, description="the gate: shell lines run on every merge candidate")
    target: Line | None = Field(default=None, description="the branch merged into; default: the current one")
    setup: Lines = Field(default=(), description="shell lines run once in every fresh tree")
    setup_network: Hosts = Field(default=(), description="hosts setup may reach")
    copies: Annotated[tuple[Inside, ...], Field(strict=False)] = Field(
        default=(), description="ignored files brought along"
    )
    review: bool = Field(default=True, description="false for a crew without a reviewer")


class LimitSettings(Strict):
    """`[limits]`: what a run may use at most, and what one agent of it may."""

    agents: int = Field(default=4, ge=1, le=256, description="at once")
    budget: Budget = Field(default="5usd", validate_default=True, description="of a run")
    task_budget: BudgetOrNone = Field(default="", validate_default=True, description='of one task; "": no limit')
    day_budget: BudgetOrNone = Field(
        default="",
        validate_default=True,
        description='of all runs here on one day (UTC); "": no limit. Of yours and the project\'s the lower one holds',
    )
    at_budget: Literal["hold", "finish", "refuse"] = Field(
        default="hold",
        description=(
            "what a request that no budget has room for gets. hold: it waits while the agent stands still, and goes on "
            "after `budget raise`; finish: a final answer that asks for nothing more; refuse: HTTP 402"
        ),
    )
    warn_at: Marks = Field(default=(75, 90), description="percent of a budget at which you are told")
    attempts: int = Field(default=3, ge=1, le=100, description="rounds of work a task")
    processes: int = Field(default=512, ge=0, le=4_000_000, description="of one agent, with threads; 0: no limit")
    memory: SizeOrNone = Field(default="4GB", validate_default=True, description='of one agent; "": no limit')
    disk: SizeOrNone = Field(
        default="8GB", validate_default=True, description='an agent\'s clone, home and tmp together; "": no limit'
    )
    file: SizeOrNone = Field(default="2GB", validate_default=True, description='one file; "": no limit')
    output: Size = Field(default="2MB", validate_default=True, description="a second, four times that in a burst")
    log: Size = Field(default="64MB", validate_default=True, description="of one attempt, on disk")
    time: SpanOrNone = Field(
        default="2h", validate_default=True, description='of one attempt, without its pauses; "": no limit'
    )
    keep: SpanOrNone = Field(
        default="30d", validate_default=True, description='work that was put aside, for so long; "": for ever'
    )
    keep_size: SizeOrNone = Field(
        default="1GiB", validate_default=True, description='of all that was put aside; "": no limit'
    )
    nice: int = Field(default=5, ge=0, le=19, description="niceness of agents and checks")
    freeze_idle: SpanOrNone = Field(
        default="", validate_default=True, description='freeze an agent that did nothing for so long; "": never'
    )


class Agent(Strict):
    """`[agents.NAME]`: a worker, or several alike."""

    runtime: Annotated[str, AfterValidator(_runtime), Field(json_schema_extra={"enum": list(RUNTIMES)})]
    command: Lines = Field(
        default=(),
        validate_default=True,
        description=(
            "argv, for command and acp; for scripted, the script's path; else the agent's program, if not on PATH"
        ),
    )
    does: Words = Field(default=("implement",), description="capabilities")
    tier: Tier = Field(default="standard", description="which of [models] it works with; a task may say another")
    model: ModelName | None = Field(default=None, description="one model, whatever the tier")
    fallback: ModelNames = Field(
        default=(),
        description='models to go on with while its own is not to be had, in order: "MODEL" or "GATEWAY/MODEL"',
    )
    gateway: GatewayName | None = Field(
        default=None, description="which [gateway.NAME] its models come from; default: the first of the kind it speaks"
    )
    instances: int = Field(default=1, ge=1, le=64, description="alike: NAME-1, NAME-2, …; one is just NAME")
    budget: Budget | None = Field(default=None, description="of each instance, in one run")
    trust: Literal["untrusted", "standard", "trusted"] = "standard"
    on: Lines | None = Field(default=None, description="triggers; default: stages it can do")
    skills: Words = ()
    permissions: Permissions = Permissions()

    @checked("command")
    @classmethod
    def _fits_runtime(cls, command: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        runtime = info.data.get("runtime")
        if runtime in ARGV and not command:
            raise ValueError(f'is required with runtime = "{runtime}"; write the program and its arguments as a list')
        if runtime == "scripted" and (len(command) != 1 or not is_inside(command[0])):
            raise ValueError('with runtime = "scripted" must be one path, such as ["scripts/builder.toml"]')
        if runtime == "scripted" and PurePosixPath(command[0]).suffix != ".toml":
            raise ValueError(f'a script is a .toml file, not "{command[0]}"')
        return command


def _agent_name(name: str) -> str:
    if not is_id(name) or name.startswith("-"):
        raise ValueError(f'"{name}" is no agent name; write a-z, 0-9 and "-"')
    if name in RESERVED:
        raise ValueError(f'"{name}" is reserved; call the agent something else')
    return name


AgentName = Annotated[str, AfterValidator(_agent_name)]
Table = dict[str, Any]


class BusSwitch(Strict):
    """`[bus]` of a project: whether viewers and other programs may follow and steer over MQTT."""

    on: bool = False


class ProjectFile(Strict):
    """`quarterdeck.toml` at the repository's root."""

    project: Project
    limits: LimitSettings = LimitSettings()
    agents: dict[AgentName, Agent] = Field(default_factory=dict)
    approvals: dict[Risk, Level] = Field(default_factory=dict)
    models: dict[Word, Models] = Field(default_factory=dict)
    patterns: dict[Word, Table] = Field(default_factory=dict)
    environments: dict[Word, Table] = Field(default_factory=dict)
    cache: CacheSwitch = CacheSwitch()
    bus: BusSwitch = BusSwitch()


def _account(name: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name) is None or name in RESERVED:
        raise ValueError(
            f'"{name}" is no account name; write a-z, 0-9 and "-", and not one of {", ".join(sorted(RESERVED))}'
        )
    return name


Account = Annotated[str, AfterValidator(_account)]


class Bus(BusSwitch):
    """`[bus]` of the user's file: which broker, where it listens (on this machine only), and who may log in."""

    provider: Literal["auto", "mosquitto", "amqtt"] = "auto"
    port: int = Field(default=0, ge=0, le=65535, description="on 127.0.0.1; 0: a free one")
    accounts: Annotated[tuple[Account, ...], Field(strict=False)] = Field(
        default=("viewer",), min_length=1, description="each with a random password of its own"
    )


class Settings(ProjectFile):
    """Both files together: the project's settings, and what only the user may set."""

    gateway: dict[GatewayName, Gateway] = Field(default_factory=dict)
    prices: dict[ModelName, Prices] = Field(default_factory=dict)
    cache: Cache = Cache()
    security: Security = Security()
    credentials: dict[AgentName, HomeFiles] = Field(
        default_factory=dict, description="of an agent or a runtime: files in your HOME that it gets copies of"
    )
    bus: Bus = Bus()
    _users_write: frozenset[str] = PrivateAttr(default=frozenset())

    def where_users_write(self, agents: Iterable[str]) -> Self:
        """Note the agents whose `write` stands in the user's file, and not in the project's."""
        self._users_write = frozenset(agents)
        return self

    def given(self, agent: str) -> tuple[str, ...]:
        """Globs of an agent's `write` that are the user's own word."""
        write = self.agents[agent].permissions.write if agent in self._users_write else None
        return write or ()
