"""The record can not be written any more: the engine stops everything and ends; with room again the run goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest import mock

import pytest
from support.crashing import Crashing, judge
from support.lives import await_deaths, descendants

from engine.api import launch
from engine.api.calls import CallRefused
from engine.api.errors import EngineGone
from engine.daemon import BROKEN

TESTS = Path(__file__).parents[1]
SMALL, LARGE = 24 * 1024, "64m"
GONE = 5.0
"""Seconds until an ended engine's agents are gone; a second is promised of a machine that has nothing else to do."""
MOUNT = 'mount -t tmpfs -o "size=$2" none "$1" && echo ready && exec cat'


def test_a_record_that_may_not_grow_stops_everything_and_goes_on_with_room(run, tree):
    with instead("support.short_files", QUARTERDECK_LONGEST=str(SMALL)):
        fails_and_stops(run)
    with instead("support.short_files", QUARTERDECK_LONGEST="1024"):
        refused(run, "File too large")
    run.to_the_end()
    judge(run, tree)


def test_a_full_disk_stops_everything_and_goes_on_with_room(run, tree):
    journal = run.house.record()
    with small_disk(journal) as holder, instead("support.in_namespace", QUARTERDECK_NAMESPACE=str(holder)):
        fails_and_stops(run)
        refused(run, "No space left")
        subprocess.run(
            ("nsenter", f"--mount=/proc/{holder}/ns/mnt", "mount", "-o", f"remount,size={LARGE}", journal), check=True
        )
        run.to_the_end()
        shutil.copytree(f"/proc/{holder}/root{journal}", journal, dirs_exist_ok=True)
    judge(run, tree)


def fails_and_stops(run: Crashing) -> None:
    """Follow the run until its engine ends by itself: as it must, and with all it had started."""
    seen: set[tuple[int, int]] = set()
    with suppress(EngineGone, CallRefused), run.living() as (pid, stream):
        [engine] = [process for process in launch._started if process.pid == pid]
        for line in stream:
            run.told.append(line)
            seen |= descendants(pid)
    assert engine.wait(30) == BROKEN
    assert not run.over
    await_deaths(seen, GONE)


def refused(run: Crashing, why: str) -> None:
    """An engine that can not write its first line does not come up; its client is told why, in one line."""
    with pytest.raises(CallRefused, match=why) as no:
        run.house.up()
    assert (no.value.code, no.value.exit_code) == ("disk", 1)
    assert "\n" not in str(no.value)


@contextmanager
def instead(module: str, **variables: str) -> Iterator[None]:
    """Start another module than the engine's own, as it is told by the environment."""
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    with mock.patch.object(launch, "DAEMON", module), mock.patch.dict(os.environ, variables, PYTHONPATH=path):
        yield


@contextmanager
def small_disk(folder: Path) -> Iterator[int]:
    """A small file system at `folder`, in a mount namespace of its own; the pid of who keeps it there."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = ("unshare", "--mount", "sh", "-c", MOUNT, "disk", str(folder), str(SMALL))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        if holder.stdout.readline() != b"ready\n":
            pytest.skip(f"no file system can be mounted here: {holder.stderr.read().decode().strip()}")
        yield holder.pid
        holder.stdin.close()
