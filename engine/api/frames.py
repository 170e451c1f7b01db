"""The client protocol: every frame that a client and the engine exchange, in two closed unions.

On a socket a frame is one JSON object on one line, `frame` its kind; one from a client has at most `MAX_FRAME` bytes
with its line end. The client begins with `hello`, the engine answers `welcome`; then each call has an `id` that its
reply repeats. Events are the record's own JSON, byte for byte. `hello`, `welcome`, `end`, `done`, `error`, `ping` and
`pong` stay as they are in every later protocol, so that a client of any version can end an engine of any other.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from engine.api.calls import PAGE, PROTOCOL, CallRefused, RunRequest
from engine.api.errors import BadFrame, EngineGone, WrongVersion
from engine.api.version import VERSION
from engine.core.commands import Requests

MAX_FRAME = 16 * 1024 * 1024

Actor = Annotated[str, Meta(pattern=r"^(?!engine$)[\w.@+-]{1,64}$")]
"""Who asks: a person by any name. Nobody speaks as the engine."""
Wanted = Literal["paused", "stopped", "resumed"]
Seq = Annotated[int, Meta(ge=0, le=2**62)]
Limit = Annotated[int, Meta(ge=1, le=PAGE)]


def _tag(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag=_tag, tag_field="frame"):
    """Base of all frames."""


# -- from the client -----------------------------------------------------------------------------------------------


class Hello(Frame, frozen=True, kw_only=True):
    """Who is there: the protocol it speaks and the program's version."""

    protocol: int
    version: str


class Submit(Frame, frozen=True, kw_only=True):
    """A request to the core. Done: the events that followed, durable."""

    id: int
    request: Requests
    actor: Actor = "person"


class Start(Frame, frozen=True, kw_only=True):
    """Begin or take up a run. Done: its id."""

    id: int
    request: RunRequest
    actor: Actor = "person"


class Kill(Frame, frozen=True, kw_only=True):
    """Kill one agent, or all for null. Done: an object an agent, as `kill --json` prints it."""

    id: int
    agent: str | None = None


class Settled(Frame, frozen=True, kw_only=True):
    """Wait until an agent (null: all) is as wanted. Done: an object with proof each."""

    id: int
    wanted: Wanted
    agent: str | None = None


class End(Frame, frozen=True, kw_only=True):
    """End the engine, leaving a state that can be resumed. Done: null, and the end has begun."""

    id: int
    kill: bool = False


class Query(Frame, frozen=True, kw_only=True):
    """Read. Done: for `status`, what `status --json` prints; for `state`, the core's State, durable as of its seq.

    For `kept`, what `undo --json` prints.
    """

    id: int
    what: Literal["status", "state", "kept"]


class Diff(Frame, frozen=True, kw_only=True):
    """What an agent's clone differs in from the base it works on, now; or what an attempt (null: the latest) claimed.

    Done: a `Difference`.
    """

    id: int
    agent: str | None = None
    task: str | None = None
    attempt: int | None = None


class Transcript(Frame, frozen=True, kw_only=True):
    """A page of what an agent printed: the latest transcript that fits all that is said. Done: a `Page`."""

    id: int
    agent: str | None = None
    task: str | None = None
    attempt: int | None = None
    kind: str | None = None
    offset: int = 0
    limit: Limit = PAGE


class Artifacts(Frame, frozen=True, kw_only=True):
    """What attempts at a task (null: all of them) left. Done: a list of `Artifact`."""

    id: int
    task: str
    attempt: int | None = None


class Artifact(Frame, frozen=True, kw_only=True):
    """A page of one of them. Done: a `Page`."""

    id: int
    task: str
    attempt: int
    name: str
    offset: int = 0
    limit: Limit = PAGE


class Follow(Frame, frozen=True, kw_only=True):
    """Be sent what agents print: each line of those in `lines`, and of the others the last line, if `others`.

    It replaces what was followed before; both empty ends it. Done: null.
    """

    id: int
    lines: Annotated[list[str], Meta(max_length=256)] = []
    others: bool = False


class Subscribe(Frame, frozen=True, kw_only=True):
    """Be sent every event after `since`, without a gap. A further one begins anew from where it says.

    `subscribed` comes before the first of them, so that what was on its way before can be told apart.
    """

    since: Seq = 0


class Unsubscribe(Frame, frozen=True, kw_only=True):
    """Be sent no more events until the next `subscribe`."""


class Ping(Frame, frozen=True, kw_only=True):
    """Is anybody there?"""


Question = Query | Diff | Transcript | Artifacts | Artifact
Call = Submit | Start | Kill | Settled | End | Follow | Question
Asked = Hello | Call | Subscribe | Unsubscribe | Ping


# -- from the engine -----------------------------------------------------------------------------------------------


class Welcome(Frame, frozen=True, kw_only=True):
    """The engine: its protocol, version and process, and the last event that is durable."""

    protocol: int
    version: str
    pid: int
    seq: int


class Done(Frame, frozen=True, kw_only=True):
    """The call with this id was carried out."""

    id: int
    data: Raw


class Refused(Frame, frozen=True, kw_only=True):
    """The call with this id was refused and changed nothing. `exit` is the contract's exit code."""

    id: int
    reason: str
    code: str
    exit: int

    def error(self) -> CallRefused:
        """As the exception it was, and is again at the client."""
        return CallRefused(self.reason, code=self.code, exit_code=self.exit)


class Published(Frame, frozen=True, kw_only=True):
    """One event, as it stands in the record."""

    event: Raw


class Subscribed(Frame, frozen=True, kw_only=True):
    """From here on events are those after `since`."""

    since: int


class Said(Frame, frozen=True, kw_only=True):
    """What an agent printed: bytes `offset` to `next` of the transcript `name`, as text that is harmless to look at.

    Whole lines with their ends, but for a line that is too long for one frame (it goes on in the next one) and the
    last one of a program that left it unended. `missed` bytes before `offset` were skipped: this client was slow, or
    asked for no more than the last line, or began in the middle; the transcript has them.
    """

    agent: str
    task: str
    attempt: int
    kind: str
    name: str
    offset: int
    next: int
    text: str
    missed: int = 0


class Pong(Frame, frozen=True, kw_only=True):
    """The engine is there."""


class Bye(Frame, frozen=True, kw_only=True):
    """The engine ends in order; nothing follows."""

    reason: str


class Error(Frame, frozen=True, kw_only=True):
    """The client sent what is no frame, or the engine cannot go on with it; the connection ends."""

    reason: str
    code: str


Answered = Welcome | Done | Refused | Published | Subscribed | Said | Pong | Bye | Error

_encoder = msgspec.json.Encoder()
_asked: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)
_answered: msgspec.json.Decoder[Answered] = msgspec.json.Decoder(Answered)
_PUBLISHED = b'{"frame":"published","event":'


def encode(frame: Asked | Answered) -> bytes:
    """One frame with its line end."""
    return _encoder.encode(frame) + b"\n"


def sendable(frame: Asked) -> bytes:
    """As `encode`, for a client to send. Raises CallRefused for a frame that is too large."""
    data = encode(frame)
    if len(data) > MAX_FRAME:
        raise CallRefused(f"this is too large: {len(data)} bytes, {MAX_FRAME} at most", code="too_large")
    return data


def published(event: bytes) -> bytes:
    """The frame around an event that is encoded already."""
    return b"%b%b}\n" % (_PUBLISHED, event)


def done(id_: int, data: object) -> bytes:
    """The reply to a call that was carried out."""
    return encode(Done(id=id_, data=Raw(_encoder.encode(data))))


def asked(line: bytes) -> Asked:
    """Read a client's frame. Raises BadFrame."""
    try:
        return _asked.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame(f"no frame of protocol {PROTOCOL}: {error}") from error


def answered(line: bytes) -> Answered:
    """Read an engine's frame. Raises BadFrame."""
    try:
        return _answered.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadFrame(f"the engine sent no frame of protocol {PROTOCOL}: {error}") from error


def meant(line: bytes) -> Answered:
    """As `answered`, but a frame that ends the connection is raised: EngineGone for `bye`, BadFrame for `error`."""
    frame = answered(line)
    if isinstance(frame, Bye):
        raise EngineGone(frame.reason)
    if isinstance(frame, Error):
        raise BadFrame(frame.reason, code=frame.code)
    return frame


HELLO = Hello(protocol=PROTOCOL, version=VERSION)
"""What this program says first."""


def greeted(answer: Answered, *, any_version: bool = False) -> Welcome:
    """The engine's answer to `HELLO`. Raises BadFrame and, unless `any_version`, WrongVersion."""
    if not isinstance(answer, Welcome):
        raise BadFrame(f"the engine answered a hello with {type(answer).__name__.lower()}")
    if not any_version and (answer.protocol, answer.version) != (PROTOCOL, VERSION):
        reason = mismatch(engine=answer.version, pid=answer.pid, client=VERSION)
        raise WrongVersion(reason, engine=answer.version, pid=answer.pid)
    return answer


def mismatch(*, engine: str, pid: int, client: str) -> str:
    """What to say, and do, when both versions differ."""
    return (
        f"the engine that runs here (process {pid}) is version {engine}, this is version {client}; "
        "`quarterdeck down` ends it so that its run can be resumed, then try again"
    )
