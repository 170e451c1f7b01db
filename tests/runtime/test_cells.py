"""What a cell shows of the person's HOME because an agent's program lies there."""

import asyncio
from pathlib import Path

import pytest
from support.repos import make

from engine.config.settings import Agent
from engine.processes.confinement.tiers import Tier
from engine.runtime.cells import Cells
from workspaces.layout import Layout
from workspaces.repository import Repository

STRONG = Tier(name="strong", mechanism="namespaces")


@pytest.fixture
def home(tmp_path, monkeypatch):
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    return made


def shown(home: Path, program: str) -> tuple[Path, ...]:
    """What is shown below HOME to an agent that is this program; a file with notes lies beside it."""
    place = home / program
    place.parent.mkdir(parents=True)
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)
    (place.parent / "notes").write_text("private")
    repo = asyncio.run(Repository.open(make(home.parent / "repo")))
    layout = Layout(repo.root, home.parent / "state")
    layout.create()
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    cells = Cells(repo, layout, None, env=env, tier=STRONG)
    cell = cells.agent("builder", layout.tree("builder"), Agent(runtime="command", command=(str(place),)))
    assert cell is not None
    return tuple(path for path in cell.profile.readable if path.is_relative_to(home))


def test_of_a_hidden_folder_only_the_program_itself_is_shown(home):
    assert shown(home, ".private/agent.sh") == (home / ".private/agent.sh",)


def test_of_an_open_folder_what_lies_beside_the_program_is_shown_too(home):
    assert home / "tools" in shown(home, "tools/agent.sh")
