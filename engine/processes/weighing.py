"""How much memory a tree of processes really takes: what several share counts once. Dear, so not for every second."""

from __future__ import annotations

import os
from pathlib import Path

from engine.processes import tree


def weigh(root: int) -> int:
    """Bytes that everything below the process `root` has, each page divided among those that share it.

    Of one that may not be looked into, all that it maps counts. About 0.1 ms a process; it may block for longer where
    one maps very much, so it belongs into a thread.
    """
    return sum(_weight(process) for process in tree.below(root) if process.alive)


def _weight(process: tree.Process) -> int:
    try:
        said = Path(f"/proc/{process.pid}/smaps_rollup").read_bytes()
    except OSError:
        return process.pages * os.sysconf("SC_PAGESIZE")
    shares = [line.split()[1] for line in said.splitlines() if line.startswith(b"Pss:")]
    return sum(int(kilobytes) << 10 for kilobytes in shares)
