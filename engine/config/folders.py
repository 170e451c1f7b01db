"""Which folders outside its clone an agent is shown: `read` of its permissions, made real.

A project's file arrives with the code and is trusted no more than the code, so it may name nothing that holds what is
the person's own: HOME, what is hidden in it, the engine's state and settings, the repository itself. Links are followed
before it is judged: a name says nothing. The person's own file may name any folder there is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.config.document import Document
from engine.config.errors import ConfigError, together
from engine.config.settings import Agent, Settings
from engine.processes.confinement.mounts import ROOT_HIDDEN

_SYSTEM = tuple(Path(name) for name in ("/proc", "/sys", "/dev", "/run", "/var/run", "/etc"))
_SHARED = tuple(Path(name) for name in ("/tmp", "/var/tmp"))  # noqa: S108  named to be refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What is the person's own, by real paths: the repository, HOME, and folders such as the engine's state."""

    root: Path
    home: Path
    private: tuple[Path, ...]

    def real(self, given: str) -> Path:
        """The folder that is meant: absolute, `~/…`, or relative to the repository's root; links followed."""
        folder = self.home / given[2:] if given.startswith("~/") else self.root / given
        return Path(os.path.realpath(folder))  # which takes a loop of links for what it is: no folder

    def trouble(self, folder: Path) -> str:
        """Why a project's file may not name this real folder; empty where it may."""
        if folder == self.home:
            return "it is your HOME"
        for own, what in self._own():
            if own.is_relative_to(folder):
                return f"it holds {what}"
        if any(folder.is_relative_to(place) for place in (*self.private, *self._system())):
            return "it belongs to the system, or to Quarterdeck"
        around = [place for place in (self.root, self.home) if folder.is_relative_to(place)]
        base = max(around, key=lambda place: len(place.parts), default=Path(folder.anchor))
        hidden = next((part for part in folder.relative_to(base).parts if part.startswith(".")), "")
        return f'"{hidden}" is hidden, and such folders hold what is yours' if hidden else ""

    def _own(self) -> Iterator[tuple[Path, str]]:
        yield self.home, "your HOME"
        yield self.root, "the repository"
        yield from ((place, "Quarterdeck's own files") for place in self.private)
        yield from ((place.resolve(), "other programs' files") for place in (*_SHARED, *_SYSTEM))

    def _system(self) -> Iterator[Path]:
        """What is the system's; HOME may lie in it, as root's own does."""
        places = (place.resolve() for place in (*_SYSTEM, *map(Path, ROOT_HIDDEN)))
        yield from (place for place in places if not self.home.is_relative_to(place))


def made_real(settings: Settings, sources: Sequence[Document], places: Places, *, way_out: str) -> Settings:
    """The same settings, with every `read` as real, absolute folders that are there.

    `sources` are the texts they were read from, the project's first. Raises `ConfigError` with every folder that is
    not there, or that the project names and may not; `way_out` says where it may be named.
    """
    errors = [
        error
        for name, agent in settings.agents.items()
        for error in _errors(agent, ("agents", name, "permissions", "read"), sources, places, way_out)
    ]
    if errors:
        raise together(errors)
    return settings.model_copy(update={"agents": {name: _real(one, places) for name, one in settings.agents.items()}})


def _errors(
    agent: Agent, key: tuple[str, ...], sources: Sequence[Document], places: Places, way_out: str
) -> Iterator[ConfigError]:
    said_by = next((number for number, source in enumerate(sources) if source.value(*key) is not None), 0)
    for index, given in enumerate(agent.permissions.read):
        folder = places.real(given)
        reason, mend = "", ""
        if said_by == 0 and (trouble := places.trouble(folder)):
            reason, mend = f"a project may not show an agent {_named(given, folder)}: {trouble}", way_out
        elif not os.path.isdir(folder):  # noqa: PTH112  whatever the name is made of, it is an answer
            reason = f"there is no folder {_named(given, folder)}"
        if reason:
            source = sources[said_by]
            yield ConfigError(
                reason,
                file=source.name,
                line=source.line((*key, index)),
                place=f"[{'.'.join(key[:-1])}]",
                field=key[-1],
                way_out=mend,
            )


def _real(agent: Agent, places: Places) -> Agent:
    real = tuple(str(places.real(given)) for given in agent.permissions.read)
    return agent.model_copy(update={"permissions": agent.permissions.model_copy(update={"read": real})})


def _named(given: str, folder: Path) -> str:
    return f'"{given}"' if str(folder) == given else f'"{given}" ({folder})'
