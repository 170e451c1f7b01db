"""What an agent that takes a text is told: the instructions of an assignment, in words, by role.

Pure. The first line and the names of the roles in it are fixed: tests and scripted models know an assignment by them.
What other agents and programs said (feedback, a change under review) stands between marks, as matter to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from engine.agents.base import Brief, Role

Told = Mapping[str, Any]

_WORK: Final = """\
Do this task in the current folder, which is your own clone of the repository. Leave what you change in the working \
tree: it is committed, checked and merged for you, so do not commit, push or switch branches. Change nothing that the \
task does not need. See that the project's own checks pass. When you are done, end with a short summary of what you \
did and why; it becomes the commit's message. If you can not do it, say what is in the way."""

_REVIEW: Final = """\
Judge the change below; it is applied in the current folder. Change no files. Look whether it does what the task \
asks, whether it is right, and whether it breaks anything. Reject it only for what must be mended, and say then, \
precisely, what that is. End with one fenced block, with nothing after it:

```json
{"verdict": "approve", "remarks": "..."}
```

`verdict` is "approve" or "reject"."""

_PLAN: Final = """\
Split the goal into tasks for the crew below; each is worked on in a clone of its own and merged by itself. Look \
around in the current folder, which is a clone of the repository, but change no files. As few tasks as do it well: one \
is fine. Tasks that can run at the same time should touch different files. End with one fenced block, with nothing \
after it:

```json
{"task": [{"id": "parser", "title": "...", "prompt": "...", "kind": "implement", "after": [], "touches": ["src/"]}]}
```

`id`: lower-case letters, digits and dashes. `prompt`: all that the one who does it needs to know. `kind`: what the \
work asks for, one of what the crew does. `after`: ids of tasks it must wait for. `touches`: paths it will change. \
Also allowed: `accept`, shell lines that must pass when it is done."""

_ROLES: Final[Mapping[Role, str]] = {"work": _WORK, "review": _REVIEW, "plan": _PLAN}


def prompt(brief: Brief, *, change: str = "") -> str:
    """The whole text of an assignment. `change` is the patch under review, as far as it is to be read here."""
    told = brief.instructions
    parts = [
        f"Quarterdeck: task {brief.task}, role {brief.role}, attempt {brief.attempt}.",
        _ROLES[brief.role],
        *_task(told, brief.role),
        *_change(told.get("change"), change),
        *_feedback(told.get("feedback") or ()),
        _letters(brief.inbox),
    ]
    return "\n\n".join(parts) + "\n"


def again(brief: Brief, *, change: str = "") -> str:
    """What an agent is told that has its earlier session before it: the whole, and that it is not new."""
    return f"You worked on this before, in this session. This is what counts now.\n\n{prompt(brief, change=change)}"


def _task(told: Told, role: Role) -> Iterable[str]:
    yield f"# The goal of it all\n\n{told.get('goal', '')}"
    if role == "plan":
        yield f"# The crew\n\n{_crew(told.get('crew') or ())}"
        return
    title, text = told.get("title", ""), told.get("prompt", "")
    yield f"# The task: {title}\n\n{text}".rstrip()
    if accept := told.get("accept"):
        yield f"It is accepted when these pass:\n\n{_list(accept, '`{}`')}"
    if touches := told.get("touches"):
        yield f"It was announced to touch:\n\n{_list(touches)}"
    if told.get("write") is not None:
        yield f"You may change only what matches one of these:\n\n{_list(told['write']) or '(nothing)'}"


def _crew(crew: Sequence[Told]) -> str:
    return "\n".join(f"- {member.get('name', '')}: {', '.join(member.get('does', ()))}" for member in crew)


def _change(given: Told | None, change: str) -> Iterable[str]:
    """The change under review, and what its author says of it."""
    if given is None:
        return
    said = given.get("summary") or "(nothing)"
    yield f"# What {given.get('author', 'its author')} says of the change\n\n{_quoted(said)}"
    yield f"# The change, as a patch (the whole of it is in {given.get('diff', '')})\n\n{_quoted(change)}"


def _feedback(items: Sequence[Told]) -> Iterable[str]:
    if not items:
        return
    yield "# What came of earlier attempts, and is to be mended now"
    for item in items:
        by = f", by {item['by']}" if item.get("by") else ""
        yield f"Attempt {item.get('attempt')}, {item.get('kind')}{by}:\n\n{_quoted(item.get('text', ''))}"
        for side in item.get("sides") or ():
            yield f"{side['path']}, as the target has it:\n\n{_quoted(side['ours'])}"
            yield f"{side['path']}, as the attempt had it:\n\n{_quoted(side['theirs'])}"


def _letters(inbox: Path) -> str:
    return (
        f"Messages for you may come in meanwhile, as JSON files in {inbox}: look there before you end, and move what "
        f"you have read to {inbox / 'seen'}."
    )


def _quoted(text: str) -> str:
    """A text between fences that nothing in it can close."""
    longest = max((len(line) - len(line.lstrip("`")) for line in map(str.lstrip, text.splitlines())), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"


def _list(items: Iterable[str], form: str = "{}") -> str:
    return "\n".join("- " + form.format(item) for item in items)
