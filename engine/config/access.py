"""What an agent may change, read and reach, and what has to hold it in: the settings that say so.

They say what may be written. Whether a folder may be named by a project's file is `folders`' to judge.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from engine.config.strict import Line, Strict
from engine.core.plans import is_inside
from engine.core.values import Level

Mechanism = Literal["namespaces", "bubblewrap", "landlock", "seatbelt"]
MECHANISMS: tuple[Mechanism, ...] = ("namespaces", "bubblewrap", "landlock", "seatbelt")
"""Strongest first, which is the order they are tried in, whatever the order they are written in."""
Confine = Literal["strong", "basic", "none"]
TOOL_KINDS = ("read", "edit", "delete", "move", "search", "execute", "think", "fetch", "other")
"""What an agent asks leave for, as the Agent Client Protocol sorts it."""
ANY = "*"

HTTPS = 443
_HOST = re.compile(r"((?:\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_PORTS = range(1, 65536)


def whole_host(value: str) -> str:
    """The host with its port, in small letters; without a port it is that of https."""
    found = _HOST.fullmatch(value)
    if found is None:
        raise ValueError('must be like "example.org:443" or "*.example.org:443"')
    port = int(found[2] or HTTPS)
    if port not in _PORTS:
        raise ValueError(f"{port} is no port; they go from 1 to {_PORTS[-1]}")
    return f"{found[1].lower()}:{port}"


def _in_home(value: str) -> str:
    if not is_inside(value) or not PurePosixPath(value).parts:
        raise ValueError(f'"{value}" must be a file\'s path relative to your HOME, without ".."')
    return PurePosixPath(value).as_posix()


def _glob(value: str) -> str:
    if value.startswith("!"):
        raise ValueError(f'"{value}" would take away; write what may change, and nothing else may')
    if not is_inside(value):
        raise ValueError(f'"{value}" must begin at the repository\'s root, without "/" or ".."')
    return value


def _asked(value: str) -> str:
    kind, colon, pattern = value.partition(":")
    if kind not in TOOL_KINDS and value != ANY:
        raise ValueError(f'must begin with {", ".join(TOOL_KINDS)}, or be "{ANY}"; it is like "execute:git push*"')
    if colon and (not pattern.strip() or not pattern.isprintable() or pattern.startswith("!")):
        raise ValueError('after ":" must stand a pattern such as "git push*" or "src/**"; without one, leave out ":"')
    return value


def _ordered(given: tuple[Mechanism, ...]) -> tuple[Mechanism, ...]:
    return tuple(one for one in MECHANISMS if one in given)


def _name(value: str) -> str:
    if "\0" in value:
        raise ValueError("is no name of a folder")
    return value


Host = Annotated[str, AfterValidator(whole_host)]
Hosts = Annotated[tuple[Host, ...], Field(strict=False)]
Globs = Annotated[tuple[Annotated[Line, AfterValidator(_glob)], ...], Field(strict=False)]
Asked = Annotated[
    str,
    AfterValidator(_asked),
    WithJsonSchema({"type": "string", "pattern": rf"^(({'|'.join(TOOL_KINDS)})(:.+)?|\{ANY})$"}),
]
Folders = Annotated[tuple[Annotated[Line, AfterValidator(_name)], ...], Field(strict=False)]
HomeFiles = Annotated[tuple[Annotated[Line, AfterValidator(_in_home)], ...], Field(strict=False)]


class Permissions(Strict):
    """`[agents.NAME.permissions]`: what an agent may change, read and reach."""

    write: Globs | None = Field(
        default=None, description="globs from the root; files that run code later are held for approval all the same"
    )
    read: Folders = Field(default=(), description="extra folders outside the clone, shown read-only")
    network: Hosts = Field(default=(), description="host:port; without a port 443")
    ask: dict[Asked, Level] = Field(
        default_factory=dict,
        json_schema_extra={"additionalProperties": False},
        description=(
            'who decides when it asks leave for a tool, by its kind, "KIND:PATTERN" (a command line or a path) or "*"; '
            "auto (default): it is given, confirm: you are asked and may say always, review: you are asked each time"
        ),
    )
    confine: Confine | None = Field(
        default=None, description="the least acceptable, by default basic; the strongest there is is used"
    )


class Security(Strict):
    """`[security]` of the user's file: what confinement may be made of, and whether it may be missing."""

    mechanisms: Annotated[tuple[Mechanism, ...], Field(strict=False), AfterValidator(_ordered)] = Field(
        default=MECHANISMS, description="which may be tried, strongest first"
    )
    allow_unconfined: bool = Field(default=False, description="agents that accept it may run without confinement")
