"""An engine without a run next to costs nothing."""

import os
import time
from pathlib import Path

import pytest
from support.engines import task

SECONDS = 8.0
MOST = 0.003
"""Of a core. The watcher's own wake-ups are 0.11 % of one."""


def cpu(pid):
    """Seconds of CPU that a process has used: utime and stime of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.perf
def test_an_engine_after_its_run_uses_next_to_no_cpu(place):
    place.project()
    place.start([task("it")], pattern="solo")
    place.end()
    engine = place.client.engine.pid
    place.client.status()
    time.sleep(1.0)  # the end of the run is settled: its note in git, its keepers gone
    before, began = cpu(engine), time.monotonic()
    time.sleep(SECONDS)
    share = (cpu(engine) - before) / (time.monotonic() - began)
    print(f"an idle engine uses {share:.3%} of a core")
    assert share <= MOST
