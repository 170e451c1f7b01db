"""Which versions of coding agents are installed, by asking them.

Each is run once, with a time limit, outside of every repository, with a HOME of its own that is thrown away: asking
changes nothing. What lies in the repository is not run: it came with the code.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.config.tools import Tool

PATIENCE = 10.0
"""Seconds for all of them: they are asked at the same time."""
_VERSION = re.compile(r"(?<![\w.])v?(\d+\.\d+(?:\.[0-9A-Za-z.+-]+)?)")
_QUIET = {
    "TERM": "dumb",
    "NO_COLOR": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "PI_OFFLINE": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
}


def versions(tools: Sequence[Tool], path: str, root: Path) -> dict[str, str]:
    """By runtime, the version of each tool found on `path`; "" for one that does not say, or lies in `root`."""
    if not tools:
        return {}
    with TemporaryDirectory(prefix="quarterdeck-") as home, ThreadPoolExecutor(len(tools)) as pool:
        found = pool.map(lambda tool: _version(tool, path, root, home), tools)
        return dict(zip((tool.runtime for tool in tools), found, strict=True))


def _version(tool: Tool, path: str, root: Path, home: str) -> str:
    program = shutil.which(tool.program, path=path)
    if program is None or _came_with_the_code(Path(program), root):
        return ""
    said = _VERSION.search(_said(program, {**_QUIET, "PATH": path, "HOME": home, "TMPDIR": home}))
    return said[1] if said else ""


def _came_with_the_code(program: Path, root: Path) -> bool:
    real = root.resolve()
    return any(Path(os.path.abspath(one)).is_relative_to(real) for one in (program, program.resolve()))  # noqa: PTH100


def _said(program: str, environment: dict[str, str]) -> str:
    """What it prints, errors last; "" where it can not be started or takes too long: then it and its own are ended."""
    try:
        process = subprocess.Popen(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except OSError:
        return ""
    with process:
        try:
            return b"\n".join(process.communicate(timeout=PATIENCE)).decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # not collected yet, so the number is its own
            return ""
