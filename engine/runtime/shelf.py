"""Reads what runs left on disk, transcripts and artifacts, for clients.

A client names agents, tasks and attempts that the record knows, and files that are listed; no path is ever made of
what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from engine.api.calls import Artifact, CallRefused, Page, Printed
from engine.core.state import ROOT, Run, State
from engine.runtime.pages import Piece, Show, paper, plain, shown
from engine.runtime.sayings import Sayings, Transcript
from workspaces.artifacts.store import Artifacts
from workspaces.layout import Layout

RUN = "run"
"""What the run's own steps are called in file names."""


class HasState(Protocol):
    """Whoever knows what is so."""

    @property
    def state(self) -> State:
        """The state."""
        ...


class Shelf:
    """The files of the present run, or of the last one."""

    def __init__(self, layout: Layout, record: HasState) -> None:
        self._layout, self._record = layout, record

    def transcript(self, which: Printed, *, offset: int, limit: int, growing: Callable[[Path], bool]) -> Page:
        """A page of the latest transcript that fits; `growing` tells whether more may come. Raises CallRefused."""
        run = self._run()
        if which.task is not None:
            _label(run, which.task)
        if which.agent is not None and which.agent not in self._record.state.agents:
            raise CallRefused(f'no agent "{which.agent}"', code="unknown")
        found = self._find(run, which)
        if found is None:
            raise CallRefused("nothing was printed yet by what is asked for", code="nothing")
        return _page(found.path, offset, limit, shown, growing=growing(found.path))

    def artifacts(self, task: str, attempt: int | None) -> Sequence[Artifact]:
        """What attempts at a task left, by attempt and name. Raises CallRefused."""
        run = self._run()
        folder = self._layout.artifacts(run.id, _label(run, task), 0).parent
        attempts = sorted(int(each.name) for each in _entries(folder) if each.name.isdecimal())
        return [
            Artifact(task=task, attempt=number, name=file.name, size=file.lstat().st_size)
            for number in attempts
            if attempt in {None, number}
            for file in self._files(run, task, number)
        ]

    def artifact(self, task: str, attempt: int, name: str, *, offset: int, limit: int) -> Page:
        """A page of one of them. Raises CallRefused."""
        file = next((file for file in self._files(self._run(), task, attempt) if file.name == name), None)
        if file is None:
            raise CallRefused(f"attempt {attempt} at {task} left no {name!r}", code="nothing")
        return _page(file, offset, limit, plain)

    def recall(self, sayings: Sayings, agents: Collection[str]) -> None:
        """Tell what agents printed last that have printed nothing since the engine came up."""
        run = self._record.state.run
        for agent in agents:
            if run is not None and sayings.latest(agent) is None:
                found = self._find(run, Printed(agent=agent))
                if found is not None:
                    sayings.begin(found)

    def _run(self) -> Run:
        run = self._record.state.run
        if run is None:
            raise CallRefused("no run has begun here", code="nothing")
        return run

    def _files(self, run: Run, task: str, attempt: int) -> list[Path]:
        store = Artifacts(self._layout.artifacts(run.id, _label(run, task), attempt))
        return [file for name in store.names() if (file := store.folder / name).is_file() and not file.is_symlink()]

    def _find(self, run: Run, which: Printed) -> Transcript | None:
        fitting = [found for found in self._transcripts(run) if _fits(found, which)]
        return max(fitting, key=lambda found: found.path.lstat().st_mtime_ns, default=None)

    def _transcripts(self, run: Run) -> Iterator[Transcript]:
        for file in _entries(self._layout.transcripts / run.id):
            parts = file.name.removesuffix(".log").split(".", 3)
            if file.suffix == ".log" and len(parts) == 4 and parts[1].isdecimal():
                task, attempt, kind, agent = parts
                label = ROOT if task == RUN and RUN not in run.tasks else task
                yield Transcript(agent, label, int(attempt), kind, file, ended=True)


def _label(run: Run, task: str) -> str:
    if task != ROOT and task not in run.tasks:
        raise CallRefused(f'no task "{task}"', code="unknown")
    return task if task != ROOT else RUN


def _fits(found: Transcript, which: Printed) -> bool:
    return (
        which.agent in {None, found.agent}
        and which.task in {None, found.task}
        and which.attempt in {None, found.attempt}
        and which.kind in {None, found.kind}
    )


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _page(file: Path, offset: int, limit: int, show: Show, *, growing: bool = False) -> Page:
    try:
        with paper(file) as found:
            piece: Piece = found.piece(offset, limit, show, growing=growing)
    except FileNotFoundError:
        raise CallRefused(f"{file.name} is no file any more", code="nothing") from None
    return Page(name=file.name, text=piece.text, offset=piece.offset, next=piece.next, size=piece.size)
