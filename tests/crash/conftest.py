"""Engines of these tests live in a place of their own; the final tree they must reach is known."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.crashing import Crashing, known_tree, make_project, outside
from support.lives import a_home, a_house, living_in
from support.preloaded import preloaded


@pytest.fixture(scope="session")
def premises():
    """Where all of them live; in force only while one does, as other tests run in this process too."""
    with a_home() as folder:
        yield folder


@pytest.fixture(scope="session")
def tree():
    """The tree of parts after a run, whatever disturbed it."""
    return known_tree()


@pytest.fixture
def home(premises):
    """The premises, in force for one test."""
    with living_in(premises), preloaded():
        yield premises


@pytest.fixture
def folder(home):
    """A new folder for one test."""
    with TemporaryDirectory(dir=home) as made:
        yield Path(made)


@pytest.fixture
def run(folder):
    """A run of the project that has not begun, in a repository of its own."""
    with a_house(make_project(folder / "repo")) as house:
        yield Crashing(house)


@pytest.fixture
def standing(folder):
    """A run whose builders stand still at a pipe, and the pipe."""
    pipe = outside(folder / "repo") / "stand.pipe"
    os.mkfifo(pipe)
    with a_house(make_project(folder / "repo", "sh", "build.sh", str(pipe))) as house:
        yield Crashing(house), pipe
