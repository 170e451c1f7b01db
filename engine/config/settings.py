"""Every setting of `quarterdeck.toml` and of the user's `config.toml`, with its default.

These models say what may be written; where the files are and which of them wins is `load`'s.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic import field_validator as checked

from engine.config.access import HomeFiles, Hosts, Permissions, Security
from engine.config.strict import Line, Lines, Strict, Word, Words
from engine.core import amounts, quantities
from engine.core.plans import is_id, is_inside
from engine.core.values import Amount, Level, Risk

RUNTIMES = ("command", "scripted")
LATER_RUNTIMES = ("acp", "claude", "codex", "gemini", "opencode")
RESERVED = frozenset({"all", "engine", "person", "run"})
"""Names that mean something else on the command line or in the record."""


def _amount(value: object) -> Amount:
    if not isinstance(value, str):
        raise ValueError('must be a text like "5usd" or "200ktok"')
    return amounts.parse(value)


def _size(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError('must be a text like "4GB" or "512MB"')
    return quantities.size(value)


def _span(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError('must be a text like "2h" or "15m"')
    return quantities.span(value)


def _or_none(value: object, read: Callable[[object], Any]) -> Any:  # noqa: ANN401  what `read` makes of it
    return 0 if value == "" else read(value)


def _runtime(value: str) -> str:
    if value in RUNTIMES:
        return value
    known = " and ".join(f'"{name}"' for name in RUNTIMES)
    if value in LATER_RUNTIMES:
        raise ValueError(f'"{value}" is not in this version, which runs {known}; start its program with "command"')
    near = difflib.get_close_matches(value, (*RUNTIMES, *LATER_RUNTIMES), n=1)
    raise ValueError(
        f'there is no runtime "{value}"' + (f' (did you mean "{near[0]}"?)' if near else f" (known: {known})")
    )


def _inside(value: str) -> str:
    if not is_inside(value):
        raise ValueError(f'"{value}" must be a path relative to the repository\'s root, without ".."')
    return value


def _like(pattern: str, examples: str) -> AfterValidator:
    """A text of this form. The complaint never repeats the text: it may be a secret put in the wrong place."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(f"must be like {examples}")
        return value

    return AfterValidator(check)


Budget = Annotated[
    Amount,
    PlainValidator(_amount),
    PlainSerializer(amounts.show, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(usd|tok|ktok|mtok)$"}),
]
Size = Annotated[
    int,
    PlainValidator(_size),
    PlainSerializer(quantities.show_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{quantities.SIZE}$"}),
]
"""Bytes."""
SizeOrNone = Annotated[
    int,
    PlainValidator(partial(_or_none, read=_size)),
    PlainSerializer(quantities.show_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^({quantities.SIZE})?$"}),
]
"""Bytes; an empty text is no limit, and 0."""
SpanOrNone = Annotated[
    float,
    PlainValidator(partial(_or_none, read=_span)),
    PlainSerializer(quantities.show_span, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^({quantities.SPAN})?$"}),
]
"""Seconds; an empty text is none, and 0."""
Inside = Annotated[Line, AfterValidator(_inside)]
Url = Annotated[str, _like(r"https?://\S+", '"https://example.org"')]
Key = Annotated[
    str,
    _like(
        r"(env|keyring|command):\S.*", '"env:NAME", "keyring:NAME" or "command:…"; the key itself does not belong here'
    ),
]


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
    command: Lines = Field(default=(), validate_default=True, description="argv; for scripted, the script's path")
    does: Words = Field(default=("implement",), description="capabilities")
    tier: Literal["small", "standard", "large"] = "standard"
    instances: int = Field(default=1, ge=1, le=64)
    budget: Budget | None = None
    trust: Literal["untrusted", "standard", "trusted"] = "standard"
    on: Lines | None = Field(default=None, description="triggers; default: stages it can do")
    skills: Words = ()
    permissions: Permissions = Permissions()

    @checked("command")
    @classmethod
    def _fits_runtime(cls, command: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        runtime = info.data.get("runtime")
        if runtime == "command" and not command:
            raise ValueError('is required with runtime = "command"; write the program and its arguments as a list')
        if runtime == "scripted" and (len(command) != 1 or not is_inside(command[0])):
            raise ValueError('with runtime = "scripted" must be one path, such as ["scripts/builder.toml"]')
        if runtime == "scripted" and PurePosixPath(command[0]).suffix != ".toml":
            raise ValueError(f'a script is a .toml file, not "{command[0]}"')
        return command


class Models(Strict):
    """`[models.VENDOR]`: which model a tier means; what is left out keeps the vendor's default."""

    small: Word | None = None
    standard: Word | None = None
    large: Word | None = None


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
    bus: BusSwitch = BusSwitch()


class Gateway(Strict):
    """`[gateway.NAME]` of the user's file: where a vendor's models are, and the key to them."""

    kind: Literal["anthropic", "openai", "gemini"] | None = None
    url: Url | None = None
    key: Key | None = None


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

    gateway: dict[Word, Gateway] = Field(default_factory=dict)
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
