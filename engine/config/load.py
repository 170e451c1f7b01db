"""From two files to one `Settings`.

The user's file holds defaults for all projects, table by table and key by key; what the project says goes before
them. The other way round holds for safety: gateway addresses, keys and unconfined mode are the user's alone, and the
confinement that the user asks for stands, because a project's file arrives with the code and is trusted no more than
the code.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.config import document
from engine.config.access import whole_host
from engine.config.document import Document
from engine.config.errors import ConfigError, NoConfig, together
from engine.config.floors import as_the_user_asks
from engine.config.folders import Places, made_real
from engine.config.gateways import Trouble, troubles
from engine.config.locate import Path as Place
from engine.config.logins import shared_logins
from engine.config.settings import Settings
from engine.config.strict import Spot, validate
from engine.config.tools import TOOLS
from engine.config.userfile import NAMED_BY, user_file
from workspaces.layout import state_folder

PROJECT_FILE = "quarterdeck.toml"
USERS_ALONE = (
    *(("gateway",), ("prices",), ("security",), ("credentials",), ("cache", "size")),
    *(("bus", "provider"), ("bus", "port"), ("bus", "accounts")),
)
CHECK_EXAMPLE = 'write what proves a change, such as check = ["python3 -m pytest -q"]'


def load(root: Path, *, user: Path | None = None) -> Settings:
    """The settings of the repository at `root`; `user` is the user's file, by default `user_file()`.

    Raises `NoConfig` without a project file, `ConfigError` with every complaint about either.
    """
    path = root / PROJECT_FILE
    if not path.is_file():
        raise NoConfig(f"there is no {PROJECT_FILE} in {root}", way_out="write one with `quarterdeck init`")
    project = document.parse(document.read_text(path, PROJECT_FILE), name=PROJECT_FILE, fmt="toml")
    file = user or user_file()
    users = _users(file)
    sources = (project, users) if users else (project,)
    way_out = f"write it to your own settings, {file}, where it may be named"
    return made_real(combine(project, users), sources, _places(root, file), way_out=way_out)


def _places(root: Path, user: Path) -> Places:
    private = (state_folder("any").parent.resolve(), user.resolve())
    return Places(root=root.resolve(), home=Path.home().resolve(), private=private)


def parse_settings(text: str, *, name: str = PROJECT_FILE) -> Settings:
    """The settings of one project file given as text, without a user's.

    Raises `ConfigError`.
    """
    return combine(document.parse(text, name=name, fmt="toml"), None)


def combine(project: Document, user: Document | None) -> Settings:
    """One `Settings` from both texts.

    Raises `ConfigError`.
    """
    _refuse_users_alone(project)
    sources = (project, user) if user else (project,)
    data = _over(user.data if user else {}, project.data)
    data.setdefault("project", {})  # what it lacks is told, not that it is missing
    settings = validate(Settings, data, sources, _placed)
    _refuse_leaks(settings, project, user)
    found = [*troubles(settings), *shared_logins(settings)]
    if found:
        raise together([_told(trouble, sources) for trouble in found])
    return as_the_user_asks(settings, project, user).where_users_write(_users_write(settings, project, user))


def _users(path: Path) -> Document | None:
    """The user's file, which need not be there unless `QUARTERDECK_CONFIG` names it."""
    if not path.exists() and not os.environ.get(NAMED_BY):
        return None
    return document.parse(document.read_text(path, str(path)), name=str(path), fmt="toml")


def _refuse_users_alone(project: Document) -> None:
    for table, *key in USERS_ALONE:
        given = project.data.get(table)
        if given is not None and (not key or (isinstance(given, dict) and key[0] in given)):
            raise ConfigError(
                "a project may not set this",
                file=project.name,
                line=project.line((table, *key)),
                place=f"[{table}]",
                field="".join(key),
                way_out=f"write it to your own settings, {user_file()}",
            )


def _refuse_leaks(settings: Settings, project: Document, user: Document | None) -> None:
    """Who holds copies of the user's log-ins reaches their vendor, and else what the user says, not the project."""
    vendors = {tool.program: tool.hosts for tool in TOOLS}
    for name, agent in settings.agents.items():
        holds = {key for key in (name, agent.runtime) if key in settings.credentials}
        own = user.value("agents", name, "permissions", "network") if user else None
        known = {host for key in holds for host in vendors.get(key, ())}
        known |= {whole_host(host) for host in own} if isinstance(own, list) else set()
        others = [host for host in agent.permissions.network if host not in known]
        if holds and others and project.value("agents", name, "permissions", "network") is not None:
            raise ConfigError(
                f'it holds copies of your log-ins, and a project may not have it reach "{others[0]}"',
                file=project.name,
                line=project.line(("agents", name, "permissions", "network")),
                place=f"[agents.{name}.permissions]",
                field="network",
                way_out=f"write the host to the same place in your own settings, {user_file()}",
            )


def _users_write(settings: Settings, project: Document, user: Document | None) -> list[str]:
    """The agents whose `write` is the user's own word: a project's goes before it, and is not that."""
    keys = {name: ("agents", name, "permissions", "write") for name in settings.agents}
    return [name for name, key in keys.items() if user and user.value(*key) and project.value(*key) is None]


def _told(trouble: Trouble, sources: Sequence[Document]) -> ConfigError:
    """A trouble at the line of the file that says it; the project's word goes before the user's."""
    source = max(sources, key=lambda document: document.depth(trouble.path))
    spot = _placed(trouble.path)
    return ConfigError(
        trouble.reason,
        file=source.name,
        line=source.line(trouble.path),
        place=spot.place,
        field=spot.field,
        way_out=trouble.way_out,
    )


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are laid over each other, anything else replaces what is below."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = _over(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged


def _placed(path: Place) -> Spot:
    """`[agents.builder]` and the key in it."""
    names = [step for step in path if isinstance(step, str) and step != "[key]"]
    place = f"[{'.'.join(names[:-1])}]" if len(names) > 1 else ""
    return Spot(place, names[-1] if names else "", CHECK_EXAMPLE if path[:2] == ("project", "check") else "")
