"""Engines of these tests live in a place of their own; the final tree they must reach is found once."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.crashing import Crashing, built, judge, make_project
from support.lives import a_house, private_home


@pytest.fixture(scope="session")
def home():
    with private_home() as folder:
        yield folder


@pytest.fixture(scope="session")
def tree(home):
    """The tree of parts after a run that nobody disturbs."""
    with a_house(make_project(home / "undisturbed")) as house:
        run = Crashing(house)
        run.to_the_end()
        found = built(house)
        judge(run, found)
        return found


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
    pipe = folder / "stand.pipe"
    os.mkfifo(pipe)
    with a_house(make_project(folder / "repo", "sh", "build.sh", str(pipe))) as house:
        yield Crashing(house), pipe
