"""A scripted agent: a program that plays a small TOML script of edits, waits, messages, usage and failures.

It is an agent like any other: it knows the contract of a command agent and nothing of the engine, and it imports only
the standard library, so any interpreter plays it. Its edits are real. It refuses to guess: a task that no entry of the
script is for, a text to replace that is not there exactly once, or an unknown field ends it with the reason.

    [[on]]                       # the first entry whose task, role and attempt all fit is played
    task = "parse"               # each of the three may be left out, then it fits anything
    role = "work"                # work | review | plan
    attempt = 1
    summary = "..."              # of the result; confidence = 0..1 may be said too
    [[on.step]]                  # in order; each step is one of:
    say = "text"                 #   a line of the transcript
    wait = 1.5                   #   seconds, divided by QUARTERDECK_SPEED
    write = "path"               #   with text; append = "path" with text; delete = "path"
    replace = "path"             #   with old and new; `old` must be there exactly once
    resolve = "path"             #   with text; the file must hold conflict markers now
    run = "shell line"           #   must exit 0
    message = {kind = "note", to = "user", payload = {text = "..."}}
    usage = {input = 900, output = 120}
    expect_feedback = "text"     #   fails unless the feedback of earlier attempts holds it
    expect_diff = "text"         #   fails unless the change under review holds it
    plan = {task = [...]}        #   the plan of the result
    review = {verdict = "reject", remarks = "..."}
    fail = "reason"              #   ends here: exit 1, result `failed`

Exit status: 0 played to the end, 1 failed, 2 the script or the task can not be used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONFLICT_MARKER = "<<<<<<< "
_MATCHED = {"task", "role", "attempt"}
_ENTRY_FIELDS = _MATCHED | {"summary", "confidence", "step"}


class PlayerError(Exception):
    """The agent ends without success; `status` is its exit status."""

    status = 1


class StepFailed(PlayerError):
    """A step could not be played, or says itself that the agent fails."""


class BadScript(PlayerError):
    """The script can not be used as it is written, or has nothing for this task."""

    status = 2


@dataclass(slots=True, kw_only=True)
class Play:
    """One performance: the task as the engine wrote it, the boxes, and the result as it grows."""

    task: Mapping[str, Any]
    inbox: Path
    outbox: Path
    speed: float
    result: dict[str, Any] = field(default_factory=dict)
    sent: int = 0

    def publish(self, name: str, document: Mapping[str, Any]) -> None:
        """Write aside, then rename: whoever watches the outbox never sees half a file."""
        aside = self.outbox / f".{name}.{os.getpid()}"
        aside.write_text(json.dumps(document), encoding="utf-8")
        aside.replace(self.outbox / name)

    def acknowledge(self) -> None:
        """Print the messages that came in, and move them to `seen/`, which is how a program says it has read them."""
        for letter in sorted(self.inbox.glob("*.json")):
            document = json.loads(letter.read_text(encoding="utf-8"))
            _tell(f"message from {document.get('from', 'somebody')}: {json.dumps(document.get('payload'))}")
            seen = self.inbox / "seen"
            seen.mkdir(exist_ok=True)
            letter.replace(seen / letter.name)


Step = Mapping[str, Any]


def _tell(text: str) -> None:
    print(text, flush=True)


def _inside(path: str) -> Path:
    """`path` as a file of the clone, which is the current folder."""
    given = Path(path)
    if given.is_absolute() or ".." in given.parts:
        raise StepFailed(f"{path}: a script edits only files inside the clone")
    return given


def _text_of(path: str) -> str:
    try:
        return _inside(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StepFailed(f"{path}: no such file in the clone") from None


def _put(path: str, text: str, verb: str) -> None:
    file = _inside(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    _tell(f"{verb} {path}")


def _say(_: Play, step: Step) -> None:
    _tell(step["say"])


def _wait(play: Play, step: Step) -> None:
    time.sleep(step["wait"] / play.speed)


def _write(_: Play, step: Step) -> None:
    _put(step["write"], step["text"], "wrote")


def _append(_: Play, step: Step) -> None:
    _put(step["append"], _text_of(step["append"]) + step["text"], "added to")


def _delete(_: Play, step: Step) -> None:
    _text_of(step["delete"])
    _inside(step["delete"]).unlink()
    _tell(f"deleted {step['delete']}")


def _replace(_: Play, step: Step) -> None:
    path, old = step["replace"], step["old"]
    text = _text_of(path)
    if text.count(old) != 1:
        raise StepFailed(f"{path}: the text to replace is there {text.count(old)} times, not once: {old!r}")
    _put(path, text.replace(old, step["new"]), "edited")


def _resolve(_: Play, step: Step) -> None:
    if CONFLICT_MARKER not in _text_of(step["resolve"]):
        raise StepFailed(f"{step['resolve']}: no conflict markers to resolve")
    _put(step["resolve"], step["text"], "resolved")


def _run(_: Play, step: Step) -> None:
    _tell(f"$ {step['run']}")
    code = subprocess.run(step["run"], shell=True, stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S602  a shell line is what the step is
    if code != 0:
        raise StepFailed(f"`{step['run']}` ended with {code}")


def _message(play: Play, step: Step) -> None:
    play.sent += 1
    play.publish(f"{os.getpid()}-{play.sent:03}.json", step["message"])


def _usage(play: Play, step: Step) -> None:
    """Add to the usage of the result: integers are summed, the money (a decimal string) is the last one said."""
    total = play.result.setdefault("usage", {})
    for name, amount in step["usage"].items():
        total[name] = total.get(name, 0) + amount if isinstance(amount, int) else amount


def _texts(value: object) -> Iterator[str]:
    """Every text anywhere in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _expect_feedback(play: Play, step: Step) -> None:
    told = "\n".join(_texts(play.task.get("feedback", [])))
    if step["expect_feedback"] not in told:
        raise StepFailed(f"the feedback does not hold {step['expect_feedback']!r}; it is: {told}")


def _expect_diff(play: Play, step: Step) -> None:
    diff = Path(play.task["change"]["diff"]).read_text(encoding="utf-8", errors="replace")
    if step["expect_diff"] not in diff:
        raise StepFailed(f"the change under review does not hold {step['expect_diff']!r}")


def _plan(play: Play, step: Step) -> None:
    play.result["plan"] = step["plan"]


def _review(play: Play, step: Step) -> None:
    play.result["review"] = step["review"]


def _fail(_: Play, step: Step) -> None:
    raise StepFailed(step["fail"])


_TEXT, _NUMBER, _TABLE = (str,), (int, float), (dict,)
VERBS: dict[str, tuple[Callable[[Play, Step], None], tuple[type, ...], tuple[str, ...]]] = {
    "say": (_say, _TEXT, ()),
    "wait": (_wait, _NUMBER, ()),
    "write": (_write, _TEXT, ("text",)),
    "append": (_append, _TEXT, ("text",)),
    "delete": (_delete, _TEXT, ()),
    "replace": (_replace, _TEXT, ("old", "new")),
    "resolve": (_resolve, _TEXT, ("text",)),
    "run": (_run, _TEXT, ()),
    "message": (_message, _TABLE, ()),
    "usage": (_usage, _TABLE, ()),
    "expect_feedback": (_expect_feedback, _TEXT, ()),
    "expect_diff": (_expect_diff, _TEXT, ()),
    "plan": (_plan, _TABLE, ()),
    "review": (_review, _TABLE, ()),
    "fail": (_fail, _TEXT, ()),
}
"""A step's verb: what plays it, the type of its value, and the texts that must stand beside it."""


def _verb_of(step: Step, where: str) -> str:
    """The one verb of a step whose fields are all as they should be; else `BadScript`."""
    verbs = [name for name in step if name in VERBS]
    if len(verbs) != 1:
        raise BadScript(f"{where}: a step has exactly one of {', '.join(VERBS)}; this one has {', '.join(step)}")
    _, kind, beside = VERBS[verbs[0]]
    if isinstance(step[verbs[0]], bool) or not isinstance(step[verbs[0]], kind):
        raise BadScript(f"{where}: {verbs[0]} has a value of the wrong type")
    for name in beside:
        if not isinstance(step.get(name), str):
            raise BadScript(f"{where}: {verbs[0]} needs {name}, a text")
    if unknown := set(step) - {verbs[0], *beside}:
        raise BadScript(f"{where}: unknown field {', '.join(sorted(unknown))} beside {verbs[0]}")
    return verbs[0]


def read_script(path: Path) -> list[dict[str, Any]]:
    """Every entry of a script, checked whole before anything of it is played."""
    try:
        script = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadScript(f"{path}: {error}") from None
    entries = script.get("on")
    if not isinstance(entries, list) or not entries or set(script) != {"on"}:
        raise BadScript(f"{path}: a script is a list of [[on]] entries and nothing else")
    for number, entry in enumerate(entries, 1):
        _check_entry(entry, f"{path}: [[on]] {number}")
    return entries


def _check_entry(entry: object, where: str) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("step", []), list):
        raise BadScript(f"{where}: an entry is a table with [[on.step]] tables")
    if unknown := set(entry) - _ENTRY_FIELDS:
        raise BadScript(f"{where}: unknown field {', '.join(sorted(unknown))}")
    for place, step in enumerate(entry.get("step", []), 1):
        if not isinstance(step, dict):
            raise BadScript(f"{where}, step {place}: a step is a table")
        _verb_of(step, f"{where}, step {place}")


def entry_for(entries: list[dict[str, Any]], task: Mapping[str, Any]) -> dict[str, Any]:
    """The first entry that fits the task; `BadScript` when none does."""
    about = {"task": task["id"], "role": task["role"], "attempt": task["attempt"]}
    for entry in entries:
        if all(entry[name] == about[name] for name in _MATCHED & entry.keys()):
            return entry
    raise BadScript(f"the script has no [[on]] for task {task['id']}, role {task['role']}, attempt {task['attempt']}")


def play_entry(play: Play, entry: Mapping[str, Any]) -> None:
    """Play the steps of an entry in order; what it says of the result is said once they are through."""
    for step in entry.get("step", []):
        play.acknowledge()
        VERBS[_verb_of(step, "step")][0](play, step)
    play.result |= {name: entry[name] for name in ("summary", "confidence") if name in entry}


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Play the script named by the one argument for the task in the environment; the exit status."""
    play = Play(
        task=json.loads(Path(environ["QUARTERDECK_TASK"]).read_text(encoding="utf-8")),
        inbox=Path(environ["QUARTERDECK_INBOX"]),
        outbox=Path(environ["QUARTERDECK_OUTBOX"]),
        speed=float(environ.get("QUARTERDECK_SPEED") or 1),
    )
    try:
        play_entry(play, entry_for(read_script(Path(arguments[0])), play.task))
    except (PlayerError, OSError) as error:
        _tell(f"failed: {error}")
        play.publish("result.json", {**play.result, "outcome": "failed", "summary": str(error)})
        return error.status if isinstance(error, PlayerError) else PlayerError.status
    play.publish("result.json", {"outcome": "done", **play.result})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
