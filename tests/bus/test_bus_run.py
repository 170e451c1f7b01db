"""A real run with the bus on: programs that know nothing of Quarterdeck follow it, steer it, and lose their broker."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.buses import provider_or_skip
from support.desk import told
from support.engines import a_place, task

ROOT = Path(__file__).resolve().parents[2]
both = pytest.mark.parametrize("name", ["mosquitto", "amqtt"])


@pytest.fixture
def place(monkeypatch, tmp_path, name):
    provider_or_skip(name)
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto-clients are not installed")
    users = tmp_path / "config.toml"
    users.write_text(f'[bus]\nprovider = "{name}"\n')
    monkeypatch.setenv("QUARTERDECK_CONFIG", str(users))
    with a_place(monkeypatch) as found:
        yield found


def up(place):
    """What status says of the bus once it is up."""
    deadline = time.monotonic() + 20
    while (told := place.client.status()["bus"])["state"] != "up":
        assert time.monotonic() < deadline, told
        time.sleep(0.02)
    return told


@contextmanager
def foreign(program, told, *words):
    """One of mosquitto's clients, as somebody would start it who has read `status --json`."""
    environment = {**os.environ, "XDG_CONFIG_HOME": told["options"]}
    with subprocess.Popen([program, *words], bufsize=0, stdout=subprocess.PIPE, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()


def publish(told, topic, frame):
    with foreign("mosquitto_pub", told, "-q", "1", "-t", topic, "-m", json.dumps(frame)) as pub:
        assert pub.wait(20) == 0


def followed(program, wanted):
    """What `mosquitto_sub -v` prints, up to a message that is wanted."""
    found = []
    while True:
        assert select.select([program.stdout], [], [], 60)[0], found
        topic, _, payload = program.stdout.readline().decode().partition(" ")
        found.append((topic, json.loads(payload)))
        if wanted(*found[-1]):
            return found


def run_quarterdeck(place, *words):
    program = [sys.executable, "-c", "import sys; from tui.cli import main; sys.exit(main())", "run", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        program, cwd=place.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@both
def test_a_foreign_client_follows_a_run_to_its_end_and_pauses_an_agent(place, name):
    """Both with the same account, at the same time."""
    place.project(builders=1, more="[bus]\non = true")
    place.gate("door")
    plan = {"task": [task("it", "pause_at('door'); write('it.txt', 'it')")]}
    (place.folder / "plan.json").write_text(json.dumps(plan))
    told = up(place)
    root, user = told["topics"], told["user"]
    with foreign("mosquitto_sub", told, "-v", "-q", "1", "-t", f"{root}/#") as sub:
        followed(sub, lambda topic, _: topic == f"{root}/engine/state")
        with run_quarterdeck(
            place, "--plan", str(place.folder / "plan.json"), "--unconfined", "--pattern", "solo"
        ) as run:
            standing = place.arrive("door")
            frame = {"frame": "submit", "id": 1, "request": {"do": "pause_agent", "agent": "builder"}}
            publish(told, f"{root}/ui/{user}/cmd", frame)
            builder = f"{root}/agent/builder/state"
            found = followed(sub, lambda topic, said: topic == builder and said["state"] == "paused")
            assert any(topic == f"{root}/ui/{user}/reply" and said["frame"] == "done" for topic, said in found)
            place.release(standing)
            frame["request"]["do"] = "resume_agent"
            publish(told, f"{root}/ui/{user}/cmd", frame)
            found += followed(sub, lambda topic, _: topic == f"{root}/ev/run_ended")
            assert found[-1][1]["data"]["outcome"] == "verified"
            assert run.wait(60) == 0

    events = [said for topic, said in found if topic.startswith(f"{root}/ev/")]
    numbers = [event["seq"] for event in events]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    asked = next(event for event in events if event["kind"] == "agent_pause_asked")
    assert asked["actor"] == user
    assert f"{root}/task/it/state" in {topic for topic, _ in found}
    assert secrets_of(place, told) == []


def secrets_of(place, told):
    """Passwords in what is shown or written beside their own folder."""
    folder = Path(told["password_file"]).parent
    secrets = [file.read_text() for file in folder.glob("*.password")]
    shown = [place.log, json.dumps(place.client.status())]
    shown += [path.read_text(errors="replace") for path in place.root.rglob("*") if path.is_file()]
    shown += [path.read_text(errors="replace") for path in place.layout.journal.rglob("*") if path.is_file()]
    for pid in (path.name for path in Path("/proc").iterdir() if path.name.isdigit()):
        for file in ("cmdline", "environ"):
            try:
                shown.append(Path(f"/proc/{pid}/{file}").read_text(errors="replace"))
            except OSError:
                pass
    assert len(secrets) == 2
    return [secret for secret in secrets if any(secret in text for text in shown)]


@both
def test_the_run_does_not_notice_that_its_broker_was_killed(place, name):
    place.project(builders=1, more="[bus]\non = true")
    place.gate("door")
    place.start([task("it", "pause_at('door'); write('it.txt', 'it')")], pattern="solo", unconfined=True)
    told = up(place)
    standing = place.arrive("door")
    for _ in range(2):
        os.kill(broker_of(place.client.engine.pid), signal.SIGKILL)
        place.until("task_added")
        told = up_again(place, told)
    place.release(standing)
    assert place.end()["data"]["outcome"] == "verified"
    with foreign("mosquitto_sub", told, "-v", "-q", "1", "-t", f"{told['topics']}/task/it/state") as sub:
        assert followed(sub, lambda _, said: said["outcome"] == "verified")


def broker_of(engine):
    """The process of the broker, two below its engine."""
    for task_ in Path(f"/proc/{engine}/task").iterdir():
        for child in (task_ / "children").read_text().split():
            if b"guard.py" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(Path(f"/proc/{child}/task/{child}/children").read_text())
    raise AssertionError("no broker")


def up_again(place, before):
    deadline = time.monotonic() + 20
    while place.client.status()["bus"] == before:
        assert time.monotonic() < deadline
    found = up(place)
    assert found["port"] == before["port"]  # where it was
    return found


@both
def test_the_broker_dies_with_a_killed_engine(place, name):
    place.project(more="[bus]\non = true")
    up(place)
    end = os.pidfd_open(broker_of(place.client.engine.pid))
    place.crash()
    assert select.select([end], [], [], 10)[0]
    os.close(end)


@both
def test_a_bus_that_cannot_be_is_told_and_the_run_goes_on(place, name, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (tmp_path / "config.toml").write_text(f'[bus]\nprovider = "{name}"\nport = {taken.getsockname()[1]}\n')
        place.project(builders=1, more="[bus]\non = true")
        place.start([task("it")], pattern="solo", unconfined=True)
        assert place.end()["data"]["outcome"] == "verified"
        deadline = time.monotonic() + 20
        while "reason" not in (bus := place.client.status()["bus"]):
            assert time.monotonic() < deadline, bus
            time.sleep(0.02)
        assert f"bus down: {bus['reason'][:40]}" in told(place, "status").stdout


@pytest.mark.parametrize("name", ["mosquitto"])
def test_off_it_costs_nothing(place, name):
    place.project()
    place.start([task("it")], pattern="solo", unconfined=True)
    place.end()
    assert place.client.status()["bus"] == {"state": "off"}
    assert not (place.layout.state / "bus").exists()
    with pytest.raises(AssertionError, match="no broker"):
        broker_of(place.client.engine.pid)


def test_an_engine_that_has_no_bus_loads_no_mqtt():
    loaded = "import sys, engine.daemon; print([name for name in ('aiomqtt', 'paho', 'amqtt') if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
