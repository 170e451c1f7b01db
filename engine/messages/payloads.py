"""What each kind of message says: one strict model a kind, used for drafts and for what the engine itself sends."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "task_assignment",
    "result",
    "error",
    "clarification_request",
    "answer",
    "proposal",
    "review",
    "verdict",
    "steer",
    "stop",
    "claim",
    "escalation",
    "note",
]

Text = Annotated[str, Field(min_length=1)]
TaskId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,100}$")]


class Payload(BaseModel):
    """Base of all payloads: nothing coerced, nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TaskAssignment(Payload):
    """Work for the recipient."""

    task: TaskId
    prompt: Text
    title: str = ""
    attempt: int = Field(default=1, ge=1, le=1_000_000)
    feedback: tuple[str, ...] = ()


class Result(Payload):
    """What the sender made of a task, for whoever depends on it. A claim; evidence is the engine's."""

    task: TaskId
    outcome: Literal["done", "failed", "blocked"]
    summary: str = ""
    confidence: float | None = Field(default=None, ge=0, le=1)


class Error(Payload):
    """Something went wrong that the recipient should know."""

    reason: Text
    detail: str = ""
    task: TaskId | None = None


class ClarificationRequest(Payload):
    """A question that the sender's work waits for."""

    question: Text
    options: tuple[Text, ...] = ()
    task: TaskId | None = None


class Answer(Payload):
    """The answer to the question that `correlation` names."""

    text: Text


class Proposal(Payload):
    """A way to do it, for others to judge."""

    summary: Text
    detail: str = ""
    touches: tuple[Text, ...] = ()
    task: TaskId | None = None


class Review(Payload):
    """A judgement of one task's change."""

    task: TaskId
    verdict: Literal["approve", "reject"]
    remarks: str = ""


class Verdict(Payload):
    """A judge's choice among proposals: the id of the message, or the name of the agent, that won."""

    choice: Text
    reason: str = ""
    task: TaskId | None = None


class Steer(Payload):
    """A word to an agent in the middle of its work."""

    text: Text


class Stop(Payload):
    """The recipient should end what it does."""

    reason: str = ""


class Claim(Payload):
    """The sender wants to work on a task that is on offer, or on these paths."""

    task: TaskId | None = None
    paths: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _claims_something(self) -> Self:
        if self.task is None and not self.paths:
            raise ValueError("claims neither a task nor paths")
        return self


class Escalation(Payload):
    """Something the sender can not settle and a person should."""

    reason: Text
    detail: str = ""
    task: TaskId | None = None


class Note(Payload):
    """Anything worth knowing that asks for nothing."""

    text: Text
    paths: tuple[Text, ...] = ()


PAYLOADS: Final[dict[Kind, type[Payload]]] = {
    "task_assignment": TaskAssignment,
    "result": Result,
    "error": Error,
    "clarification_request": ClarificationRequest,
    "answer": Answer,
    "proposal": Proposal,
    "review": Review,
    "verdict": Verdict,
    "steer": Steer,
    "stop": Stop,
    "claim": Claim,
    "escalation": Escalation,
    "note": Note,
}
