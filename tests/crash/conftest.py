"""Engines of these tests live in a place of their own; the final tree they must reach is found once."""

import pytest
from support.crashing import Crashing, built, judge, make_project
from support.lives import a_house, private_home


@pytest.fixture(scope="module")
def home():
    with private_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def tree(home):
    """The tree of parts after a run that nobody disturbs."""
    with a_house(make_project(home / "undisturbed")) as house:
        run = Crashing(house)
        run.to_the_end()
        found = built(house)
        judge(run, found)
        return found


@pytest.fixture
def run(home, request):
    """A run of the project that has not begun, in a repository of its own."""
    with a_house(make_project(home / f"{request.node.name[:40]}")) as house:
        yield Crashing(house)
