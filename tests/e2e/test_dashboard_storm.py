"""A hundred agents and a thousand events a second: every key is answered, one is killed, and leaving takes no time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.pty_probe import Probe
from support.served import short_folder

from tui.actions import ACTIONS

pytestmark = pytest.mark.timeout(90)
ROOT = Path(__file__).resolve().parents[2]
PATHS = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
ASK = {"a", "d", "s", "x", "X", "m", "t", "c", "b", "?", "ctrl+p", "/"}
"""What opens something that esc leaves."""
ALONE = 0.16
"""Seconds after an esc: Textual looks every 0.1 s whether it is one, and with a key right behind it is another key."""


@pytest.fixture
def crowd():
    with short_folder() as folder:
        words = [sys.executable, "-m", "support.storm", str(folder / "s"), "--agents", "100", "--lines", "200"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | PATHS) as storm:
            try:
                assert storm.stdout.readline() == b"ready\n"
                with Probe(
                    [sys.executable, "-m", "support.looking", str(folder / "s")], env=PATHS, columns=160, rows=48
                ) as probe:
                    probe.wait("agent-1 ", 20)
                    yield probe
            finally:
                storm.terminate()


def leaves(probe, within):
    began = time.perf_counter()
    probe.press("q")
    assert probe.returned() == 0
    assert time.perf_counter() - began < within


@pytest.mark.soak  # it goes by the clock: on a busy machine an esc is read together with the key behind it
def test_every_key_is_answered_in_a_storm(crowd):
    """Whatever they do, the dashboard is there afterwards, and still takes keys."""
    for key in (key for action in ACTIONS for key in action.keys if action.name not in {"quit", "back"}):
        crowd.press(key)
        if key in ASK:
            crowd.press("escape")
            crowd.cost(ALONE)
    crowd.press("m")
    crowd.wait("Message to agent-")
    crowd.send(b"are you there?\r")
    crowd.wait(lambda probe: "Message to agent-" not in probe.text)
    leaves(crowd, 1)


def test_one_of_a_hundred_is_killed_in_a_storm(crowd):
    crowd.press("x")
    crowd.wait("Kill agent-")
    crowd.press("y")
    for _ in range(5):  # a yes is only to what was read
        crowd.wait(lambda seen: ": gone" in seen.text or "changed while you read" in seen.text)
        if ": gone" in crowd.text:
            break
        crowd.press("y")
        crowd.settle()
    crowd.wait(": gone")
    leaves(crowd, 5)  # within one where nothing else runs
