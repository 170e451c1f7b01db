"""Coding agents as they are installed, for tests that drive them: where their programs are, and what shows they are gone.

Looked for on PATH, then in `$QUARTERDECK_TEST_AGENTS` or the folder that `.ci/agents` fills. A test that needs one which is
not there is skipped and says how to get it.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quarterdeck-test-agents"
PLACES = (
    "claude/lib/python3*/site-packages/claude_agent_sdk/_bundled",
    "npm/node_modules/.bin",
    "aider/bin",
)
INSTALLED = ("claude", "codex", "pi")
"""What `.ci/agents` installs; the others are a person's own."""


def folder() -> Path:
    """Where agents for tests are installed."""
    return Path(os.environ.get("QUARTERDECK_TEST_AGENTS") or KEPT)


@cache
def where() -> str:
    """PATH with their folders behind what is there already."""
    found = [str(place) for pattern in PLACES for place in sorted(folder().glob(pattern))]
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *found))


def find(name: str) -> str | None:
    """The program's path."""
    return shutil.which(name, path=where())


def need(*names: str) -> str:
    """Skip the test unless all of these are installed; the first one's path."""
    if missing := [name for name in names if find(name) is None]:
        hint = " (run .ci/agents)" if set(missing) <= set(INSTALLED) else ""
        pytest.skip(f"not installed: {', '.join(missing)}{hint}")
    return find(names[0]) or ""


def marked(marker: str) -> list[str]:
    """Command lines of the living processes in whose environment or arguments this text stands."""
    others = (entry for entry in Path("/proc").glob("[0-9]*") if entry.name != str(os.getpid()))
    return [line for entry in others if _names(entry, marker.encode()) and (line := _line(entry))]


def _names(entry: Path, marker: bytes) -> bool:
    for name in ("environ", "cmdline"):
        try:
            if marker in (entry / name).read_bytes():
                return True
        except OSError:
            continue  # it has just ended, or is another user's
    return False


def _line(entry: Path) -> str:
    """What it was started as; "" for one that has ended and waits to be collected."""
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""
