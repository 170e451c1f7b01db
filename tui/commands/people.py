"""`approvals`, `approve`, `deny`, `task`, `budget`: what a person decides, and what they change while a run is on."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.api.calls import CallRefused, RunRequest
from engine.api.words import handed_over
from engine.core.commands import AddTasks, Answer, CancelTask, DropRule, RaiseBudget, ReassignTask, Requests, RetryTask
from engine.core.events import BudgetReached, StageAssigned, StageCancelled, StageClosed, StageOpened, decode
from engine.core.state import State
from engine.core.values import TaskSpec
from tui import door
from tui.cells import plain
from tui.commands import output
from tui.commands.following import end
from tui.commands.run import plan_text
from tui.commands.status import current
from tui.grammar import UsageError
from tui.headless.gist import gist

_BOOKKEEPING = (StageOpened, StageAssigned, StageClosed, StageCancelled)


def approvals(args: Namespace) -> int:
    """What waits for a person."""
    told = current(door.find(args.repo))
    if args.forget is not None:
        return _forget(args, told["rules"])
    found: list[dict[str, Any]] = told["rules" if args.rules else "approvals"]
    if args.json:
        output.document(found)
        return 0
    from tui.headless.status import approval_lines, rule_lines  # noqa: PLC0415  only where it is shown

    if args.rules:
        output.lines(rule_lines(found) or ["nothing was answered once and for all"])
    else:
        output.lines(approval_lines(found, output.look()) or ["nothing waits for you"])
    return 0


def _forget(args: Namespace, rules: Sequence[dict[str, Any]]) -> int:
    """Be asked again. Raises UsageError for a number that no rule has."""
    if not 0 < args.forget <= len(rules):
        raise UsageError(f"no rule has number {args.forget}; `quarterdeck approvals --rules` lists them")
    rule = rules[args.forget - 1]
    return _ask(args, DropRule(pool=rule["pool"], signature=rule["signature"]))


def approve(args: Namespace) -> int:
    """Yes."""
    return _ask(args, Answer(approval=args.id, granted=True, why=args.why, always=args.always))


def deny(args: Namespace) -> int:
    """No."""
    return _ask(args, Answer(approval=args.id, granted=False, why=args.why, always=args.always))


def task(args: Namespace) -> int:
    """Change the plan while it runs."""
    if args.what == "add":
        return _ask(args, AddTasks(tasks=_specs(args.file)))
    if args.what == "retry":
        return _ask(args, RetryTask(task=args.id, note=args.note))
    if args.what == "cancel":
        return _ask(args, CancelTask(task=args.id, note=args.note))
    return _ask(args, ReassignTask(task=args.id, to=args.agent))


def budget(args: Namespace) -> int:
    """Raise a budget."""
    from engine.api.words import parse_amount  # noqa: PLC0415

    return _ask(args, RaiseBudget(scope=args.scope, amount=parse_amount(args.amount)))


def _specs(file: str) -> tuple[TaskSpec, ...]:
    """The tasks of a plan, or the one of a Markdown task file. Raises ConfigError, CannotRead, TaskFileRefused."""
    name, text = plan_text(file)
    if name.endswith(".md"):
        from engine.api.plans import parse_task_file  # noqa: PLC0415

        return (parse_task_file(Path(name), text.encode()),)
    from engine.api.plans import parse_plan, to_specs  # noqa: PLC0415

    return to_specs(parse_plan(text, name=name))


def _ask(args: Namespace, request: Requests) -> int:
    """Submit to the engine, which is started when none runs; then the unfinished run has to be taken up as well."""
    client, started = door.enter(door.find(args.repo))
    with client:
        try:
            if started:
                client.start_run(RunRequest(resume=True, environment=handed_over(os.environ)))
            events = client.submit(request)
        except CallRefused:
            if started:
                end(client)
            raise
    if args.json:
        output.objects(events)
    else:
        output.lines(_told(events))
    return 0


def _told(events: Sequence[dict[str, Any]]) -> list[str]:
    """What followed at once, in words; the rest is for `log` and `status`."""
    look, nothing = output.look(), State()
    found = []
    for event in map(decode, map(msgspec.json.encode, events)):
        short = isinstance(event.data, BudgetReached)  # raised by too little
        if short or (event.actor == "person" and not isinstance(event.data, _BOOKKEEPING)):
            what = gist(event, nothing)
            whom = event.task or event.agent
            text = "  ".join(part for part in (whom, what.text) if part)
            found.append(f"{look.state(what.face, what.word)}  {plain(text)}".rstrip())
    return found or ["nothing changed: it is so already"]
