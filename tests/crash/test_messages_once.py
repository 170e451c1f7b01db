"""A message is accepted once and delivered once, whatever line on its way the engine dies at."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from unittest import mock

import pytest
from support.crashing import Crashing
from support.dies_in_post import TOOK_IT
from support.lives import PATIENCE, plain

from engine.api import launch
from engine.journal.reader import read

TESTS = Path(__file__).parents[1]
LEAST = 30
"""Lines that a message's way has, at the least: fewer, and nothing was tried."""


@pytest.fixture
def sending(standing) -> Iterator[Crashing]:
    """A run whose builders stand still, killed once it is under way."""
    run, pipe = standing
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    daemon = mock.patch.object(launch, "DAEMON", "support.dies_in_post")
    with daemon, mock.patch.dict(os.environ, PYTHONPATH=path):
        with run.living() as (pid, _):
            os.close(os.open(pipe, os.O_WRONLY))
            run.strike(pid)
        yield run


@pytest.mark.parametrize(
    "step", [pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(600)]), 11], ids="every {} lines".format
)
def test_wherever_the_engine_dies_a_message_is_accepted_once_and_delivered_once(sending, step):
    run, sent = sending, []
    for line in count(1, step):
        sent.append(drop(run, line))
        code = a_life_that_ends_at(run, line)
        assert code in {-signal.SIGKILL, TOOK_IT}, run.house.log()
        if code == TOOK_IT:
            break
    assert line > LEAST
    with run.living() as (pid, stream):
        sent.append(drop(run, 0))
        accepted = []
        while len(accepted) < len(sent):
            run.told.append(next(stream))
            event = plain(run.told[-1])
            if event["kind"] == "message_accepted":
                accepted.append(event["data"]["payload"]["text"])
        await_empty(run.house.layout.outbox("builder-1"))
        run.strike(pid)
    assert Counter(accepted) == Counter(sent)
    assert Counter(recorded(run)) == Counter(sent)
    assert Counter(delivered(run.house.layout.inbox("builder-2"))) == Counter(sent)


def drop(run: Crashing, number: int) -> str:
    """Put a draft into an outbox, before all that lie there by name; its text."""
    outbox, text = run.house.layout.outbox("builder-1"), f"died at {number}"
    aside = outbox / f".{number}"
    aside.write_text(json.dumps({"kind": "note", "to": "builder-2", "payload": {"text": text}}))
    aside.rename(outbox / f"{10_000 - number}.json")
    return text


def a_life_that_ends_at(run: Crashing, line: int) -> int:
    """Start an engine that takes up the run and dies at that line; how it ended."""
    with mock.patch.dict(os.environ, QUARTERDECK_DIES_AT=str(line)), Path(os.devnull).open("wb") as ready:
        process = launch._spawned(run.house.root, run.house.layout.state / "engine.log", ready.fileno())
        try:
            return process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


def await_empty(outbox: Path) -> None:
    """Return when no draft lies there."""
    deadline = time.monotonic() + PATIENCE
    while list(outbox.glob("*.json")):
        assert time.monotonic() < deadline
        time.sleep(0.001)  # nothing tells of it


def recorded(run: Crashing) -> list[str]:
    """The texts of the messages in the record."""
    return [event.data.payload["text"] for event in read(run.house.record()) if event.kind == "message_accepted"]


def delivered(inbox: Path) -> list[str]:
    """The texts of the messages in an inbox."""
    return [json.loads(file.read_text())["payload"]["text"] for file in inbox.rglob("*.json")]
