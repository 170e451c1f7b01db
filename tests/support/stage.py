"""Plays one assignment of a scripted agent by hand: a task JSON, two boxes and the player as a subprocess."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from engine.agents import player
from engine.agents.environment import agent_environment
from engine.messages.result import Result, parse_result

QUICK = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""The samples need no plugins, and loading ours costs three times what their tests take."""


@dataclass(frozen=True)
class Played:
    """How the player ended, and what it left in the outbox."""

    code: int
    output: str
    result: Result
    messages: tuple[dict, ...]


def play(clone: Path, script: Path | str, boxes: Path, *, speed: str = "1000", **task) -> Played:
    """Run the player in `clone` for a task with these fields (id, role, attempt and feedback have defaults)."""
    inbox, outbox = boxes / "inbox", boxes / "outbox"
    for box in (inbox, outbox):
        box.mkdir(parents=True, exist_ok=True)
    told = {"id": "a", "role": "work", "attempt": 1, "feedback": []} | task
    task_file = boxes / "task.json"
    task_file.write_text(json.dumps(told))
    environment = agent_environment(
        {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "QUARTERDECK_SPEED": speed,
            **QUICK,
        },
        named=QUICK,
        task_file=task_file,
        inbox=inbox,
        outbox=outbox,
        agent="builder",
        attempt=told["attempt"],
    )
    done = subprocess.run(
        [sys.executable, "-P", player.__file__, str(script)],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    left = outbox / "result.json"
    result = parse_result(left.read_bytes()) if left.exists() else Result()
    left.unlink(missing_ok=True)
    messages = tuple(json.loads(file.read_text()) for file in sorted(outbox.glob("*.json")))
    return Played(done.returncode, done.stdout, result, messages)


def run_tests(project: Path) -> subprocess.CompletedProcess[str]:
    """The project's own suite, as its gate runs it."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")} | QUICK,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
