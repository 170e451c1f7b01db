"""The commands that open the dashboard, each in a real terminal with a real engine, and what is left when it is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import repos
from support.pty_probe import Probe
from support.served import short_folder

QUARTERDECK = [sys.executable, "-P", "-c", "import sys; from tui.cli import main; sys.exit(main())"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home():
    with short_folder() as folder:
        places = {"XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config"}
        env = {name: str(folder / place) for name, place in places.items()}
        (folder / "run").mkdir(mode=0o700)
        git = {name: value for name, value in repos.clean_environment().items() if name.startswith("GIT_")}
        yield folder, {**env, **git, "PYTHONPATH": str(ROOT)}
        for repo in folder.glob("*/.quarterdeck"):
            told = [*QUARTERDECK, "down", "--kill", "--repo", str(repo.parent)]
            subprocess.run(told, env={**os.environ, **env, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)


def opened(home, *words, **options):
    return Probe([*QUARTERDECK, *words], env=home[1], cwd=home[0], columns=120, rows=36, **options)


def step_out(probe, of):
    """Esc, and wait for it: what comes at once after it would be another key."""
    probe.settle()
    probe.press("escape")
    probe.wait(lambda seen: of not in seen.text)
    probe.settle()


def test_a_demo_is_seen_to_its_end_and_its_proof_stays_when_it_is_left(home):
    with opened(home, "demo", "hello_fix", "--speed", "1000", "--keep", str(home[0] / "demo")) as probe:
        probe.wait("the run has ended", 60)
        probe.wait("VERIFIED")
        step_out(probe, "the run has ended")
        assert "crew" in probe.text
        probe.press("q")
        assert probe.returned(20) == 0
        assert all(told in probe.text for told in ("VERIFIED", "The proof", "See it again", "The repository is kept"))
    again = opened(home, "--repo", str(home[0] / "demo"))
    with again as probe:
        probe.wait("verified")
        probe.press("q")
        assert probe.returned(20) == 0
        assert "comes back" in probe.text


def test_leaving_a_run_leaves_it_going_on_and_says_how_to_come_back(home):
    with opened(home, "demo", "hello_fix", "--speed", "0.05", "--keep", str(home[0] / "demo")) as probe:
        probe.wait("working", 60)
        probe.press("ctrl+c")
        assert probe.returned(20) == 0
        assert "the run goes on; `quarterdeck --repo" in " ".join(probe.text.split())
    with opened(home, "--repo", str(home[0] / "demo")) as probe:
        probe.wait("running")
        probe.press("X")
        probe.wait("Kill all")
        probe.send(b"kill all\r")
        probe.wait("every agent: gone", 20)
        step_out(probe, "every agent: gone")
        probe.press("q")
        assert probe.returned(20) == 4  # nobody is left to go on, so it waits for a person
        assert "quarterdeck" in probe.text


BROKEN = """
import sys
from tui.cli import main
from tui.viewmodel import {module}
def broken(*_): raise ZeroDivisionError("on purpose")
{module}.{name} = broken
sys.exit(main())
"""


@pytest.mark.parametrize(("module", "name"), [("head", "lines"), ("board", "Board.connected")])
@pytest.mark.parametrize("debug", ["", "1"])
def test_a_defect_is_one_line_with_the_way_back_and_a_report(home, module, name, debug):
    argv = [sys.executable, "-P", "-c", BROKEN.format(module=module, name=name)]
    repos.make(home[0] / "project")
    (home[0] / "project" / "quarterdeck.toml").write_text('[project]\ncheck = ["true"]\n')
    words = ["--repo", str(home[0] / "project")]
    env = {**home[1], "QUARTERDECK_DEBUG": debug}
    with Probe([*argv, *words], env=env, cwd=home[0], columns=120, rows=36) as probe:
        assert probe.returned(60) == 1
        told = " ".join(probe.text.split())
    assert "the dashboard broke (ZeroDivisionError: on purpose)" in told
    assert "comes back to it" in told
    assert ("Traceback" in told) == bool(debug)
    (report,) = home[0].glob("state/quarterdeck/*/dashboard-*.txt")
    assert "ZeroDivisionError: on purpose" in report.read_text()


def test_where_nothing_is_yet_the_first_settings_are_offered(home):
    repos.make(home[0] / "empty")
    with opened(home, "--repo", str(home[0] / "empty")) as probe:
        probe.wait("[Y/n]", 20)
        probe.send(b"n\r")
        assert probe.returned(20) == 0
        assert "nothing was written" in probe.text
        assert "quarterdeck demo" in probe.text
    assert not (home[0] / "empty" / "quarterdeck.toml").exists()


def test_a_run_that_is_refused_opens_no_screen(home):
    repos.make(home[0] / "empty")
    with opened(home, "run", "mend it", "--repo", str(home[0] / "empty")) as probe:
        assert probe.returned(40) == 2
        assert "quarterdeck.toml" in probe.text
        assert b"\x1b[?1049h" not in probe.raw
