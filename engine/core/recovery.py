"""How a failure is met: how long to wait before the next round, and what the next round is told."""

from __future__ import annotations

from engine.core.guarded import MOST, named
from engine.core.state import Approval, Task
from engine.core.values import CheckRun, Feedback

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
TAIL = 8_000


def backoff(task: Task) -> float:
    """Seconds before the next round after a crash: 1, 2, 4 ... 60, by how many rounds ended so."""
    crashes = sum(1 for round_ in task.rounds if round_.blame == "agent")
    return float(min(FIRST_WAIT * 2 ** max(crashes - 1, 0), LONGEST_WAIT))


def feedback(task: Task) -> tuple[Feedback, ...]:
    """What every earlier round left to mend, oldest first; of a round, in the order it was found."""
    found: list[Feedback] = []
    for round_ in task.rounds:
        if round_.failure:
            text = f"{round_.failure}\n{round_.detail}".strip()
            found.append(Feedback(attempt=round_.number, kind="failure", text=text[-TAIL:]))
        if round_.checked is False:
            found.append(
                Feedback(attempt=round_.number, kind="check", text=_output(round_.checks, round_.check_reason))
            )
        found += [
            Feedback(attempt=round_.number, kind="review", text=review.remarks, by=review.agent)
            for review in task.reviews
            if review.round == round_.number and review.verdict == "reject"
        ]
        if round_.gated is False:
            found.append(Feedback(attempt=round_.number, kind="gate", text=_output(round_.gates, round_.gate_reason)))
        if round_.conflict:
            names = ", ".join(side.path for side in round_.conflict)
            text = f"the target changed the same lines in {names}; bring both intentions together"
            found.append(Feedback(attempt=round_.number, kind="conflict", text=text, sides=round_.conflict))
    found += [
        Feedback(attempt=_asked_about(answer), kind="person", text=text)
        for answer in task.answers
        if answer.granted is not None and (text := _answered(task, answer))
    ]
    found += [Feedback(attempt=number, kind="person", text=note) for number, note in task.notes]
    return tuple(found)


def _answered(task: Task, answer: Approval) -> str:
    """What a person's answer tells the author; a no to guarded files says which, also where it gives no reason."""
    if answer.granted or answer.about != "guarded":
        return answer.why
    changes = (round_.change for round_ in task.rounds if round_.number == _asked_about(answer))
    files = next((named(change.guarded, MOST) for change in changes if change is not None), "")
    text = f"a person does not grant the change of {files}: leave these as they are at the base"
    return f"{text}. They say: {answer.why}" if answer.why else text


def _asked_about(answer: Approval) -> int:
    """The round that a person was asked about, as the stage's id says: `run/task/ask.round.lane`."""
    return int(answer.stage.rpartition("/")[2].split(".")[1])


def _output(runs: tuple[CheckRun, ...], reason: str) -> str:
    failed = [run for run in runs if not run.passed]
    parts = [reason, *(f"$ {run.command}\n{run.output}" for run in failed)]
    return "\n".join(part for part in parts if part)[-TAIL:]
