"""What is said and kept when the dashboard breaks by a defect of its own: one line for the person, a report for us."""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

from engine.api.place import Place
from engine.api.version import VERSION
from tui import door
from tui.cells import plain
from tui.commands import output

FAILED = 1


def told(place: Place, defect: BaseException, *, under_way: bool) -> int:
    """Say what broke, that it stopped nothing and how to come back; the exit code."""
    report = _kept(door.layout(place).journal.parent, defect)
    what = f"{type(defect).__name__}: {plain(str(defect))}".rstrip(": ")
    goes_on = "the run goes on, " if under_way else "nothing was stopped by it, "
    where = f"; report: {report}" if report is not None else ""
    output.aside(f"the dashboard broke ({what}); {goes_on}`quarterdeck{door.named(place)}` comes back to it{where}")
    if os.environ.get("QUARTERDECK_DEBUG"):
        print("".join(traceback.format_exception(defect)), file=sys.stderr)
    return FAILED


def _kept(folder: Path, defect: BaseException) -> Path | None:
    """The report in a file of its own; None where none can be written."""
    report = folder / time.strftime("dashboard-%Y%m%d-%H%M%S.txt")
    head = f"quarterdeck {VERSION}, Python {sys.version.split()[0]}, {sys.platform}, TERM={os.environ.get('TERM', '')}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        report.write_text(f"{head}\n\n{''.join(traceback.format_exception(defect))}", "utf-8")
    except OSError:
        return None
    return report
