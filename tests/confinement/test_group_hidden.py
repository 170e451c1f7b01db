"""Group 12: a machine that lacks a mechanism. What is in force is told everywhere, and never less than was asked for.

Mechanisms are hidden by the kernel itself: `support.hide` has it refuse them to a whole tree of processes, to a probe
as well as to the product and its engine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.engines import Event, Place, a_place, task
from support.in_tiers import found

from engine.api.record import lines

HIDE = Path(__file__).resolve().parents[1] / "support" / "hide.py"
QUARTERDECK = "import sys; from tui.cli import main; sys.exit(main())"
ROOT = Path(__file__).resolve().parents[2]
NO_NAMESPACES, NOTHING = ("--namespaces",), ("--namespaces", "--landlock")


@pytest.fixture
def place(monkeypatch):
    if found("landlock").mechanism != "landlock":
        pytest.skip("Landlock itself is missing here")
    with a_place(monkeypatch) as there:
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        yield there


def quarterdeck(there: Place, hidden: Sequence[str], *words: str) -> subprocess.CompletedProcess[str]:
    """The product on a machine that lacks this; the engine is ended with it."""
    argv = [sys.executable, str(HIDE), *hidden, "--", sys.executable, "-c", QUARTERDECK]
    try:
        return subprocess.run([*argv, *words], cwd=there.root, capture_output=True, text=True, check=False, timeout=60)
    finally:
        if words[0] != "doctor":
            subprocess.run([*argv, "down"], cwd=there.root, capture_output=True, check=False, timeout=60)


def recorded(there: Place, kind: str) -> list[Event]:
    return [event for event in map(json.loads, lines(there.layout.journal)) if event["kind"] == kind]


PROBE = """
import asyncio, sys
from pathlib import Path
from engine.processes.confinement.probe import probe
tier = asyncio.run(probe(sys.argv[2:], scratch=Path(sys.argv[1])))
print(tier.name, tier.mechanism, dict(tier.tried))
"""


@pytest.mark.parametrize(
    ("hidden", "tried", "told"),
    [
        (["--bwrap"], ["bubblewrap", "landlock"], ["basic landlock", "bwrap is not installed"]),
        (["--namespaces"], ["namespaces", "bubblewrap", "landlock"], ["basic landlock", "making namespaces"]),
        (["--landlock"], ["landlock"], ["unconfined none", "no Landlock"]),
        (["--landlock"], ["namespaces", "landlock"], ["strong namespaces {}"]),
        (
            ["--namespaces", "--landlock"],
            ["bubblewrap", "landlock"],
            ["unconfined none", "no Landlock", "'bubblewrap': 'bwrap"],
        ),
    ],
    ids=" ".join,
)
def test_the_next_mechanism_is_taken_and_the_reason_told(hidden, tried, told, tmp_path):
    if any(found(name).mechanism != name for name in tried):
        pytest.skip("one of them is missing here anyway")
    argv = [sys.executable, str(HIDE), *hidden, "--", sys.executable, "-c", PROBE, str(tmp_path), *tried]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=ROOT)
    assert [words for words in told if words not in done.stdout] == [], done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("hidden", "tier", "code"),
    [(NO_NAMESPACES, "basic", 0), (NOTHING, "unconfined", 1)],
    ids=["no namespaces", "nothing"],
)
def test_doctor_names_the_tier_and_what_stands_in_the_way_of_a_stronger_one(place, hidden, tier, code):
    place.project()
    done = quarterdeck(place, hidden, "doctor", "--json")
    (finding,) = [one for one in json.loads(done.stdout) if one["what"] == "confinement"]
    assert finding["detail"].startswith(tier)
    assert any("namespaces" in line for line in finding["more"])
    assert any("bubblewrap" in line for line in finding["more"])
    assert any("known hole" in line for line in finding["more"])
    assert finding["mend"]
    assert (done.returncode != 0) == bool(code)


@pytest.mark.parametrize(
    ("hidden", "least"),
    [(NO_NAMESPACES, "strong"), (NOTHING, "")],
    ids=["strong", "default"],
)
def test_a_run_that_demands_more_is_refused(place, hidden, least):
    """Exit 5, with the way out; nothing has run."""
    place.project(agents={"builder": {"does": ["implement"], **({"permissions.confine": least} if least else {})}})
    plan = place.folder / "plan.json"
    plan.write_text(json.dumps({"task": [task("it")]}))
    done = quarterdeck(place, hidden, "run", "--headless", "--plan", str(plan))
    assert done.returncode == 5, done.stdout + done.stderr
    assert "builder" in done.stdout + done.stderr
    assert place.noted("starts") == []


def test_in_tier_basic_a_run_is_told_by_that_name_everywhere(place):
    place.project()
    plan = place.folder / "plan.json"
    plan.write_text(json.dumps({"task": [task("it")]}))
    done = quarterdeck(place, NO_NAMESPACES, "run", "--headless", "--plan", str(plan))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "basic (Landlock ABI" in done.stdout + done.stderr
    (up,) = recorded(place, "engine_started")
    assert str(up["data"]["confinement"]).startswith("basic (Landlock ABI")


def test_without_any_confinement_both_the_agent_and_the_person_have_to_accept_it(place):
    place.project(agents={"builder": {"does": ["implement"], "permissions.confine": "none"}})
    plan = place.folder / "plan.json"
    plan.write_text(json.dumps({"task": [task("it")]}))
    words = ("run", "--headless", "--plan", str(plan))
    refused = quarterdeck(place, NOTHING, *words)
    assert refused.returncode == 5, refused.stdout + refused.stderr
    accepted = quarterdeck(place, NOTHING, *words, "--unconfined")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert "unconfined" in accepted.stdout + accepted.stderr
