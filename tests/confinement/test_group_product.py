"""Groups 6, 7 and 8 in a whole run: an agent, and then a check, try everything in the cells that the engine makes.

The attempts are part of the repository, so that whoever works on it can run them. The machine around is the engine's
own: its socket, its state, another agent's clone. Judged from outside, as in `test_group_attempts`.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bystanders import Listeners, listeners
from support.engines import Place, a_place, task
from support.in_tiers import tier_by
from support.machine import MARK, NASTY, SECRET, Outcome, Victims, outcomes, ways_to_write
from support.repos import save

HERE = [sys.executable, "-I", "-S", "nasty"]
AGENT = """
import subprocess
for group in ("writes", "network", "init", "secrets", "honest"):
    argv = [sys.executable, "-I", "-S", "nasty", group, read("world.json")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    note(group, done.stdout + done.stderr[-2000:])
write("it", "done")
"""
MESS = r"""
import socket, subprocess

def dig(levels):
    for _ in range(levels):
        os.mkdir("deep" * 10)
        os.chdir("deep" * 10)

def mess(at, levels):
    os.makedirs(at)
    here = os.getcwd()
    os.chdir(at)
    os.makedirs("closed/inner")
    for name in ("new\nline", "esc\x1b]0;x\x07", "\udcff\udcfe", "-rf", "--help", " ", "$(touch x)`id`", "x" * 255, "\u202e"):
        open(name, "w").close()
    for number in range(500):
        open(f"many-{number}", "w").close()
    os.mkfifo("fifo")
    socket.socket(socket.AF_UNIX).bind("socket")
    for name, target in (("loop", "loop"), ("root", "/"), ("password", "/etc/passwd"), ("self", ".")):
        os.symlink(target, name)
    os.chmod("closed", 0)
    dig(levels)
    os.chdir(here)

if attempt == 1:
    for at, levels in (("mess", 150), (".git/mess", 1100), (os.environ["HOME"] + "/mess", 150), (os.environ["TMPDIR"] + "/mess", 150)):
        mess(at, levels)
    (outbox / "message-1.json").symlink_to("/etc/shadow")
    (outbox / "plan.json").mkdir()
    os.chdir(outbox)
    os.mkdir("result.json")
    os.chdir("result.json")
    dig(1100)
    note("left", "all of it")
else:
    write(task["id"], "done")
"""
KEYS = ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "DATABASE_URL")


@pytest.fixture
def place(monkeypatch) -> Iterator[Place]:
    tier_by("namespaces")
    for name in KEYS:
        monkeypatch.setenv(name, f"{SECRET}env-{name}")
    with a_place(monkeypatch) as there:
        yield there


def around(place: Place) -> dict[str, Path]:
    """Where neither an agent nor a check has any business."""
    git = place.root / ".git"
    named = {
        "home": place.folder / "home", "state": place.layout.state, "runtime": place.folder / "run", "git": git,
        "hooks": git / "hooks", "objects": git / "objects", "refs": git / "refs/heads", "beside": place.folder,
    }  # fmt: skip
    for folder in named.values():
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("home", "state", "runtime", "git"):
        (named[name] / "secret").write_text(f"{SECRET}{name}\n{MARK}")
    return named


def prepare(place: Place, world: dict[str, object]) -> None:
    files = {f"nasty/{file.name}": file.read_text() for file in NASTY.glob("*.py")}
    save(
        place.root, files | {"world.json": json.dumps(world), ".gitignore": "mine-*\nhop-*\nsign-*\n"}, "what is tried"
    )


def world(place: Place, there: Victims, ears: Listeners) -> dict[str, object]:
    folders = [str(folder) for folder in there.places.values()]
    own = {"own": ".", "readable": "world.json", "folders": [*folders, "/tmp", "/run"]}
    engine = next((place.folder / "run").rglob("*.sock"))
    return {**ears.world(), **there.world(), **own, "unix": {**ears.unix, "engine": str(engine)}}


def through(told: dict[str, Outcome]) -> set[str]:
    return {name for name, outcome in told.items() if outcome.through}


@pytest.mark.timeout(180)
def test_in_a_run_neither_agent_nor_check_gets_out_of_its_cell(place):
    check = " && ".join(
        f'{shlex.join([*HERE, group])} "$(cat world.json)" > /dev/null' for group in ("writes", "network")
    )
    place.project(check=[check], builders=1)
    places = around(place)
    there = Victims(places, ways_to_write())
    ears_at = {name: places[name] for name in ("home", "state", "beside")}
    with listeners(ears_at) as ears:
        assert place.client.engine.pid, "its socket is there to be tried"
        prepare(place, world(place, there, ears))
        place.start([task("it", AGENT)], pattern="solo")
        ended = place.end()["data"]
        assert ended["outcome"] == "verified", [event["data"]["reason"] for event in place.of("attempt_failed")]
        told = {
            group: outcomes("\n".join(place.noted(group)))
            for group in ("writes", "network", "init", "secrets", "honest")
        }
        assert all(told.values()), "they were all tried"
        assert there.changed() == set()
        assert ears.heard() == set()
    assert through(told["network"]) <= {"udp", "udp connected", "dns"}, "which are sent, to nobody"
    assert through(told["init"]) == set()
    assert through(told["secrets"]) == set()
    assert set(told["honest"]) - through(told["honest"]) == set(), told["honest"]
    assert place.git("status", "--porcelain") == ""


def test_what_one_attempt_leaves_behind_spoils_nothing_for_the_next(place):
    """Closed, endless, unnameable: in its clone, in the clone's git directory, in its HOME, in /tmp, in its boxes."""
    place.project(builders=1)
    place.start([task("it", MESS), task("next")], pattern="solo")
    assert place.end()["data"]["outcome"] == "verified"
    assert place.noted("left") == ["all of it"]
    assert [event["task"] for event in place.of("attempt_failed")] == ["it"], (
        "which was refused, and done in the second"
    )
    assert [path for path in (place.root / ".quarterdeck").rglob("mess") if path.exists()] == []
