"""The one place where commands meet the engine: which repository, which engine, which record.

Attaching never starts an engine; entering does, and says whether it did, because who starts one for a run ends it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.api.place import Place, identify
from tui.commands.errors import NoRecord

if TYPE_CHECKING:
    from engine.api.client import Client
    from engine.api.place import Layout
    from engine.core.state import State


def find(repo: str | None) -> Place:
    """The repository around a folder, by default the current one. Raises WorkspaceError."""
    return identify(Path(repo) if repo is not None else Path.cwd())


def attach(place: Place, *, any_version: bool = False) -> Client:
    """A client of the engine that runs there. Raises NoEngine, WrongVersion, EngineGone."""
    from engine.api.client import Client  # noqa: PLC0415  loaded where it is needed
    from engine.api.place import socket_path  # noqa: PLC0415

    return Client.connect(socket_path(place.id), any_version=any_version)


def enter(place: Place) -> tuple[Client, bool]:
    """A client of the engine there, which is started if none runs; and whether it was."""
    from engine.api import launch  # noqa: PLC0415
    from engine.api.errors import NoEngine  # noqa: PLC0415

    try:
        return attach(place), False
    except NoEngine:
        return launch.ensure(place.root), True


def layout(place: Place) -> Layout:
    """Where the repository's files lie."""
    from engine.api.place import Layout, state_folder  # noqa: PLC0415

    return Layout(place.root, state_folder(place.id))


def journal(place: Place) -> Path:
    """The folder of the record. Raises NoRecord where there is none."""
    folder = layout(place).journal
    if not folder.is_dir() or not any(folder.iterdir()):
        raise NoRecord(place.root)
    return folder


def state(place: Place) -> State:
    """The state as the record has it; an empty one where there is no record."""
    from engine.api.record import load_state  # noqa: PLC0415

    return load_state(layout(place).journal)


def named(place: Place) -> str:
    """What a command has to say to mean that repository from here: nothing, or ` --repo DIR`."""
    import shlex  # noqa: PLC0415  loaded where it is needed

    here = Path.cwd()
    return "" if here == place.root or place.root in here.parents else f" --repo {shlex.quote(str(place.root))}"
