"""The sample projects that `quarterdeck demo` copies: where they are, and what each of them shows.

They ride inside the wheel as `engine/samples`; in a checkout they are the folder `sample_projects`. Nothing is copied,
started or judged here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import engine


class SampleError(Exception):
    """Base of what goes wrong with the samples."""


class SamplesMissing(SampleError):
    """This installation came without its sample projects."""

    def __init__(self, looked: tuple[Path, ...]) -> None:
        self.looked = looked
        super().__init__(f"no sample projects in {' or '.join(map(str, looked))}; install quarterdeck again")


class UnknownSample(SampleError):
    """There is no sample of that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(f"no sample project {name!r}; there are {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample: its `project` is what is copied; it has a goal for a planner, or a plan file in its project.

    `hints` are things to try on the dashboard while it runs.
    """

    name: str
    project: Path
    intro: str
    pattern: str
    goal: str = ""
    plan: str = ""
    hints: tuple[str, ...] = ()


def sample_folder() -> Path:
    """The folder that holds a folder a sample. Raises `SamplesMissing`."""
    room = Path(engine.__file__).parent
    looked = (room / "samples", room.parent / "sample_projects")
    for folder in looked:
        if folder.is_dir():
            return folder
    raise SamplesMissing(looked)


def sample_names() -> tuple[str, ...]:
    """The names of all samples, in the order of the alphabet."""
    return tuple(sorted(about.parent.name for about in sample_folder().glob("*/demo.toml")))


def find_sample(name: str) -> Sample:
    """The sample of this name. Raises `UnknownSample`."""
    if name not in sample_names():
        raise UnknownSample(name, sample_names())
    folder = sample_folder() / name
    about = tomllib.loads((folder / "demo.toml").read_text(encoding="utf-8"))
    hints = tuple(about.pop("hints", ()))
    return Sample(name=name, project=folder / "project", hints=hints, **about)
