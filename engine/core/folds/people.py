"""What a person owes and decides; messages."""

from __future__ import annotations

from engine.core import events as e
from engine.core.folds.registry import Folds, the_round, the_run
from engine.core.state import Approval, State

PEOPLE = Folds()


@PEOPLE.on(e.ApprovalAsked)
def _approval_asked(state: State, event: e.Event, data: e.ApprovalAsked) -> None:
    task = the_run(state).task(event.task)
    task.answers = [a for a in task.answers if a.stage != data.stage or a.granted is not None]  # asked again
    task.answers.append(
        Approval(stage=data.stage, task=event.task, what=data.what, about=data.about, at=event.at, patch=data.patch)
    )


@PEOPLE.on(e.ApprovalGiven)
def _approval_given(state: State, event: e.Event, data: e.ApprovalGiven) -> None:
    run = the_run(state)
    task = run.task(event.task)
    approval = next(a for a in reversed(task.answers) if a.stage == data.stage)
    approval.granted, approval.why = data.granted, data.why
    if data.granted and approval.about == "attempts":
        task.granted += 1
    if data.granted and approval.about == "interruptions":
        the_round(state, event).excused = the_round(state, event).interruptions


@PEOPLE.on(e.MessageAccepted)
def _message_accepted(state: State, _: e.Event, data: e.MessageAccepted) -> None:
    state.messages[data.id] = "accepted"


@PEOPLE.on(e.MessageDelivered)
def _message_delivered(state: State, _: e.Event, data: e.MessageDelivered) -> None:
    state.messages[data.id] = data.state
