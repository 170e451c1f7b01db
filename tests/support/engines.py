"""A repository with a crew of tiny programs, worked on by the real engine and driven through its API.

A task's prompt is the Python that its builder runs, so that a test says in one place what an agent does. Nothing here
waits for time to pass: tests follow events, and an agent that shall stand still reads from a pipe (`pause_at`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from support.repos import clean_environment, git, make, save, write

from engine.api import launch
from engine.api.calls import RunRequest
from engine.api.client import Client, Stream
from engine.api.errors import ApiError
from engine.api.record import lines
from workspaces.identity import identify
from workspaces.layout import Layout, state_folder

Event = dict[str, Any]

PATIENCE = 20.0
"""Seconds an engine may take to end, on a machine that is busy with other tests."""
WORDS = '''\
import json, os, pathlib, sys, time

task = json.loads(pathlib.Path(os.environ["QUARTERDECK_TASK"]).read_text())
attempt, feedback, role = task["attempt"], task["feedback"], task["role"]
inbox, outbox = (pathlib.Path(os.environ[f"QUARTERDECK_{box}BOX"]) for box in ("IN", "OUT"))
notes, gates = inbox.parent / "notes", pathlib.Path(__file__).parent / "gates"


def write(name, text):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def read(name):
    return pathlib.Path(name).read_text()


def note(name, what=""):
    """Tell the test something, out of the engine's sight: in the one folder beside its clone that is its own."""
    notes.mkdir(exist_ok=True)
    with (notes / name).open("a") as file:
        file.write(f"{time.time_ns()} {json.dumps(what)}\\n")


def pause_at(name):
    """Stand still, using no CPU, until the test lets go."""
    (gates / name).read_text()


def put(name, said):
    aside = outbox / f".{name}.part"
    aside.write_text(said if isinstance(said, str) else json.dumps(said))
    aside.rename(outbox / name)


def result(**said):
    put("result.json", said)


def approve(remarks=""):
    result(review={"verdict": "approve", "remarks": remarks})


def reject(remarks):
    result(review={"verdict": "reject", "remarks": remarks})


note("starts", f"{task['id']} {role} {attempt} {os.environ['QUARTERDECK_AGENT']}")
note("told", json.dumps(task))
'''
PROMPT = 'exec(task["prompt"])'


def task(name: str, prompt: str = "", **fields: Any) -> dict[str, Any]:
    """One task of a plan; `prompt` is what its builder runs, by default it writes a file of its name."""
    return {"id": name, "prompt": prompt or f"write('{name}.txt', '{name}\\n')", **fields}


class Place:
    """One repository with what belongs to it, in a folder of its own. `seen` are the events read so far."""

    def __init__(self, folder: Path, files: dict[str, str] | None = None) -> None:
        self.folder, self.root = folder, folder / "the repo"  # a space: nothing may trip over it
        make(self.root, files)
        self.seen: list[Event] = []
        self.run = ""
        self._client: Client | None = None
        self._stream: Stream[Event] | None = None
        self.outside = folder / "outside"
        (self.outside / "gates").mkdir(parents=True, exist_ok=True)

    # -- the project -----------------------------------------------------------------------------------------------

    def program(self, name: str, body: str = PROMPT) -> list[str]:
        """The argv of an agent that runs `body`, with the words above at hand."""
        path = self.outside / f"{name}.py"
        path.write_text(f"{WORDS}{body}\n")
        return [sys.executable, "-I", "-S", str(path)]

    def project(
        self,
        check: Sequence[str] = ("true",),
        *,
        agents: dict[str, dict[str, Any]] | None = None,
        builders: int = 2,
        review: str | None = None,
        more: str = "",
        **project: Any,
    ) -> None:
        """Write and commit `quarterdeck.toml`: builders that run their prompt, and a reviewer that runs `review`."""
        crew: dict[str, dict[str, Any]] = {"builder": {"does": ["implement"], "instances": builders}}
        if review is not None:
            crew["reviewer"] = {"does": ["review"], "command": self.program("reviewer", review)}
        crew |= agents or {}
        text = ["[project]", *_fields({"check": list(check), "review": review is not None, **project})]
        for name, agent in crew.items():
            command = {"runtime": "command", "command": self.program("builder")}
            command["permissions.read"] = [str(self.outside)]
            text += [f"[agents.{name}]", *_fields(command | agent)]
        save(self.root, {"quarterdeck.toml": "\n".join((*text, more, ""))}, "the project")

    # -- the engine ------------------------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """A client of the engine, which is started when none runs."""
        if self._client is None:
            self._client = launch.ensure(self.root)
        return self._client

    @property
    def layout(self) -> Layout:
        """Where everything lies."""
        return Layout(self.root, state_folder(identify(self.root).id))

    def start(self, tasks: Sequence[dict[str, Any]] | None = None, *, path: str = "", **request: Any) -> str:
        """Start a run, with a plan of these tasks if they are given; programs are looked for on `path`."""
        if tasks is not None:
            request |= {"plan": json.dumps({"task": list(tasks)}), "plan_name": "plan.json"}
        environment = {"PATH": path or os.environ.get("PATH", os.defpath), "HOME": os.environ["HOME"]}
        self.run = self.client.start_run(RunRequest(environment=environment, **request))
        return self.run

    def until(self, kind: str, *, after: int = 0, **wanted: Any) -> Event:
        """The first such event of the run, read already or to come; `wanted` are fields of it or of its data."""
        return next(e for e in self.events() if e["seq"] > after and _fits(e, kind, wanted, self.run))

    def end(self, *, after: int = 0) -> Event:
        """How the run ends."""
        return self.until("run_ended", after=after)

    def end_of_record(self) -> Event:
        """How the run ended, as the record has it; no engine is needed."""
        recorded = [json.loads(line) for line in lines(self.layout.journal)]
        return next(e for e in reversed(recorded) if _fits(e, "run_ended", {}, self.run))

    def of(self, kind: str, **wanted: Any) -> list[Event]:
        """Such events of the run among those read so far."""
        return [e for e in self.seen if _fits(e, kind, wanted, self.run)]

    def events(self) -> Iterator[Event]:
        """Every event, read already or to come."""
        yield from list(self.seen)
        if self._stream is None:
            self._stream = self.client.events(self.seen[-1]["seq"] if self.seen else 0)
        try:
            for event in self._stream:
                self.seen.append(event)
                yield event
        except BaseException as error:  # a time-out above all: the report shows how far the run came
            if not isinstance(error, GeneratorExit):
                told = (f"{e['seq']} {e['kind']} {e['task']} {e['agent']} {e['data']}"[:300] for e in self.seen)
                print(*told, sep="\n")
            raise

    def crash(self) -> None:
        """SIGKILL to the engine."""
        os.kill(self.client.engine.pid, signal.SIGKILL)
        self.forget()

    def down(self, *, kill: bool = False) -> None:
        """End the engine in order, and wait until it is gone."""
        with suppress(ApiError):
            self.client.end(kill=kill)
        self.forget()

    def forget(self) -> None:
        """Close what is connected, and collect the engine that has ended or is about to."""
        for connected in (self._stream, self._client):
            if connected is not None:
                connected.close()
        self._stream = self._client = None
        while launch._started:
            launch._started.pop().wait(PATIENCE)

    @property
    def log(self) -> str:
        """What the engine has written down for its makers."""
        path = self.layout.state / "engine.log"
        return path.read_text() if path.exists() else ""

    def complaints(self) -> list[str]:
        """Lines of the log that no run should ever lead to."""
        bad = ("ERROR", "CRITICAL", "Traceback", "never retrieved", "never awaited")
        return [line for line in self.log.splitlines() if any(word in line for word in bad)]

    # -- agents and tests ------------------------------------------------------------------------------------------

    def gate(self, name: str) -> str:
        """A pipe at which an agent stands still; give the name back."""
        os.mkfifo(self.outside / "gates" / name)
        return name

    def arrive(self, name: str) -> int:
        """Wait until an agent stands there; a descriptor that keeps it standing."""
        return os.open(self.outside / "gates" / name, os.O_WRONLY)

    @staticmethod
    def release(standing: int) -> None:
        """Let it go on."""
        os.close(standing)

    def let_go(self, name: str) -> None:
        """Wait until an agent stands there, and let it go on."""
        self.release(self.arrive(name))

    def noted(self, name: str) -> list[str]:
        """What agents have noted under this name, in the order of time."""
        found = [line for path in self.layout.agents.glob(f"*/notes/{name}") for line in path.read_text().splitlines()]
        return [line for note in sorted(found) for line in json.loads(note.partition(" ")[2]).splitlines() or [""]]

    def told(self, name: str, attempt: int = 1, role: str = "work") -> dict[str, Any]:
        """The task as the agent was told it in that attempt."""
        everything = [json.loads(line) for line in self.noted("told")]
        wanted = (name, attempt, role)
        return next(told for told in everything if (told["id"], told["attempt"], told["role"]) == wanted)

    def git(self, *args: str) -> str:
        """What the person does by hand."""
        return git(self.root, *args)

    def write(self, files: dict[str, str | None]) -> None:
        """The person edits these files."""
        write(self.root, files)

    def commit(self, files: dict[str, str | None]) -> str:
        """The person commits these files."""
        return save(self.root, files)

    def show(self, path: str, commit: str = "main") -> str:
        """A file as committed."""
        return git(self.root, "show", f"{commit}:{path}", check=False)

    def merged(self, name: str) -> str:
        """The commit on the target that is a task's."""
        return next(str(e["data"]["commit"]) for e in self.of("merge_done", task=name))

    def artifact(self, name: str, of: str, attempt: int = 1) -> str:
        """A trace of one attempt."""
        return (self.layout.artifacts(self.run, of, attempt) / name).read_text()

    def status(self, what: str, name: str) -> dict[str, Any]:
        """One task or agent of `status`, by its name."""
        key = "id" if what == "tasks" else "name"
        return next(one for one in self.client.status()[what] if one[key] == name)


@contextmanager
def a_place(monkeypatch: pytest.MonkeyPatch, files: dict[str, str] | None = None) -> Iterator[Place]:
    """A place whose state and sockets lie in a short folder of their own, and whose engine is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="qd-", dir="/tmp"))
    for name in ("state", "run", "home"):
        (folder / name).mkdir(mode=0o700)
    inherited = {name: value for name, value in clean_environment().items() if name.startswith("GIT_CONFIG_")}
    folders = {"XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "home", "HOME": "home"}
    for name, value in (inherited | {key: str(folder / name) for key, name in folders.items()}).items():
        monkeypatch.setenv(name, value)
    place = Place(folder, files)
    try:
        yield place
        place.down(kill=True)
        assert place.complaints() == [], place.complaints()  # said here: nothing rewrites the assertions of this file
    finally:
        if launch._started:
            launch._started[-1].kill()
        place.forget()
        shutil.rmtree(folder, ignore_errors=True)


def _fields(table: dict[str, Any]) -> list[str]:
    """TOML's plain values are JSON's."""
    return [f"{name} = {json.dumps(value)}" for name, value in table.items()]


def _fits(event: Event, kind: str, wanted: dict[str, Any], run: str) -> bool:
    if event["kind"] != kind or event["run"] != run:
        return False
    data = event["data"]
    return all((data[name] if name in data else event.get(name)) == value for name, value in wanted.items())
