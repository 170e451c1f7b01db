"""A person's secrets, while agents and checks look for them everywhere they can: none is found, printed or recorded."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import desk, planted
from support.engines import task

from engine.api.calls import RunRequest
from engine.api.words import allowed_environment

STARTED_ANEW = True
LOOK = """\
import subprocess
done = subprocess.run([sys.executable, "-ISB", "scan.py"], capture_output=True, text=True)
print(done.stdout, done.stderr)
told = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("FOUND", "SCANNED", "Trace"))]
note("found", "\\n".join(told))
"""
CHECK = f"{sys.executable} -ISB scan.py > seen; cat seen; grep -q SCANNED seen && ! grep -v '{{}}' seen | grep -q FOUND"
HOLE = "/dev/shm"  # what tier basic says of itself
LEVELS = {"bubblewrap": "strong", "landlock": "basic"}
confinements = pytest.mark.parametrize(
    "mechanism", ["in force", *(pytest.param(other, marks=pytest.mark.soak) for other in ("landlock", "bubblewrap"))]
)


@pytest.fixture
def secrets(place, monkeypatch):
    with planted.planted(place) as found:
        for name, value in found.variables.items():
            monkeypatch.setenv(name, value)
        yield found


def confined(place, secrets, mechanism, more=""):
    """With the mechanism in force, or else the strongest: what a scan may find, because the tier says so of itself."""
    only = f'[security]\nmechanisms = ["{mechanism}"]\n' if mechanism in LEVELS else ""
    secrets.configure(only + more)
    place.project()
    found = place.client.status()["confinement"]
    if found["level"] not in {"strong", "basic"} & {LEVELS.get(mechanism, found["level"])}:
        pytest.skip(f"the tier in force is {found['label']}")
    return HOLE if any(HOLE in said for said in found["holes"]) else "no hole"


@confinements
def test_a_secret_of_the_person_is_nowhere_in_a_run(place, secrets, mechanism):
    hole = confined(place, secrets, mechanism)
    place.project(check=[CHECK.format(hole)], builders=1, review=f"{LOOK}\napprove()\n")
    gate = place.gate("looked")
    plan = json.dumps({"task": [task("a", f"{LOOK}\npause_at('looked')\nwrite('a', '1')")]})
    handed = allowed_environment(os.environ | {"PATH": secrets.path})
    place.run = place.client.start_run(RunRequest(plan=plan, plan_name="plan.json", environment=handed))
    place.until("attempt_started", task="a")
    standing = place.arrive(gate)
    assert processes_with_one(place, secrets.word) == []
    place.release(standing)
    assert place.end()["data"]["outcome"] == "verified", place.noted("found")
    said = place.noted("found")
    assert [line for line in said if not line.startswith("SCANNED") and hole not in line] == []
    assert sum(line.startswith("SCANNED") for line in said) == 2, "the builder and the reviewer have looked"
    assert_nothing_is_kept(place, secrets)


@confinements
def test_a_log_in_that_is_named_is_for_its_agent_alone(place, secrets, mechanism):
    hole = confined(place, secrets, mechanism, '[credentials]\nbuilder = [".netrc", ".gone"]\n')
    has = "home = pathlib.Path.home()\nhas = home / '.netrc'\n"
    has += "note('has', f'{has.read_text()[:7]} {has.stat().st_mode & 0o777:o} {(home / \"left\").exists()}')\n"
    has += "(home / 'left').write_text('')\n"
    place.project(builders=1, review=f"{LOOK}\napprove()\n")
    tasks = [task("a", f"{has}write('a', '1')"), task("b", f"{has}write('b', '1')", after=["a"])]
    place.start(tasks, path=secrets.path)
    assert place.end()["data"]["outcome"] == "verified"
    assert place.noted("has") == ["planted 600 False"] * 2, "each task begins with its log-in and nothing else"
    assert [line for line in place.noted("found") if not line.startswith("SCANNED") and hole not in line] == []
    place.down()
    assert secrets.files_with_one(place.layout.state, place.root / ".quarterdeck", place.folder / "run") == []


def test_whoever_is_not_confined_finds_them_all(place, secrets):
    """That the program which looks in the test above can find anything."""
    secrets.configure()
    look = [sys.executable, "-ISB", "scan.py", str(place.folder), str(secrets.bystander)]
    looked = subprocess.run(look, cwd=place.root, capture_output=True, text=True, check=True)
    assert "Traceback" not in looked.stderr
    assert secrets.word in looked.stdout, "its environment is printed as it is"
    found = [line.removeprefix("FOUND ") for line in looked.stdout.splitlines() if line.startswith("FOUND ")]
    for path in secrets.files:
        assert str(path) in found
    places = [
        "own environment",
        r"/proc/\d+/environ",
        "socket .'127",
        r"socket '\\x00",
        "socket '/",
        "keyring -3",
        "git config",
    ]
    for one in places:
        assert any(re.match(one, where) for where in found), one


def test_a_key_in_the_settings_themselves_is_refused_and_not_repeated(place, secrets):
    place.project()
    secrets.configure(f'[gateway.other]\nkey = "{secrets.secret("inline")}"\n')
    for words in (["run", "do it"], ["doctor"], ["status"]):
        done = desk.told(place, *words)
        assert secrets.word not in done.stdout + done.stderr
    assert desk.told(place, "run", "do it").returncode == 2
    assert secrets.files_with_one(place.layout.state, place.folder / "run") == []


def assert_nothing_is_kept(place, secrets):
    word = secrets.word
    assert secrets.files_with_one(place.layout.state, place.root / ".quarterdeck", place.folder / "run") == []
    assert word not in place.git("cat-file", "--batch-all-objects", "--batch")
    assert word not in json.dumps(place.client.status()) + json.dumps(place.seen)
    for words in (["status"], ["status", "--json"], ["log"], ["log", "--json"], ["why", "a"], ["audit"], ["doctor"]):
        done = desk.told(place, *words)
        assert word not in done.stdout + done.stderr, words


def processes_with_one(place, word):
    """Arguments, and but for the engine's environments, of our processes that hold a secret."""
    engine = place.client.engine.pid
    found = []
    for pid, _ in desk.family(engine):
        for name in ("cmdline", "environ") if pid != engine else ("cmdline",):
            try:
                data = Path(f"/proc/{pid}/{name}").read_bytes()
            except OSError:  # it has ended
                continue
            if word.encode() in data:
                found.append(f"{pid} {name}: {data[:300]!r}")
    return found
