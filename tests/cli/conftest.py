"""The command line in this process: a repository, its output, and an engine that plays a run."""

import time

import pytest
from support import plays, repos
from support.stand_in import StandIn, folders

from tui import cli


@pytest.fixture
def state(monkeypatch):
    with folders(monkeypatch) as folder:
        yield folder


@pytest.fixture
def repo(tmp_path, state, monkeypatch):
    for name, value in repos.clean_environment().items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)
    return repos.make(tmp_path / "project").resolve()


@pytest.fixture
def quarterdeck(repo, capsys, monkeypatch):
    """Run a command in the repository: its exit code, standard output and standard error."""
    monkeypatch.chdir(repo)

    def call(*words):
        capsys.readouterr()
        code = cli.main(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def good():
    return plays.the_good_one()


@pytest.fixture
def stuck():
    return plays.the_stuck_one()


@pytest.fixture
def engine(repo, good):
    """An engine that plays the good run."""
    with StandIn(repo, good) as stand_in:
        yield stand_in


@pytest.fixture
def utc(monkeypatch):
    """Moments in UTC, as goldens have them."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
