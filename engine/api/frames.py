"""The client protocol: every frame that a client and the engine exchange, in two closed unions.

On a socket a frame is one JSON object on one line, `frame` its kind, at most `MAX_FRAME` bytes with its line end. The
client begins with `hello`, the engine answers `welcome`; then each call has an `id` that its reply repeats. Events are
the record's own JSON, byte for byte. `hello`, `welcome`, `end`, `done`, `error`, `ping` and `pong` stay as they are in
every later protocol, so that a client of any version can end an engine of any other.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from engine.api.calls import PROTOCOL, RunRequest
from engine.api.errors import BadFrame
from engine.core.commands import Requests

MAX_FRAME = 16 * 1024 * 1024

Actor = Annotated[str, Meta(pattern=r"^(?!engine$)[\w.@+-]{1,64}$")]
"""Who asks: a person by any name. Nobody speaks as the engine."""
Wanted = Literal["paused", "stopped", "resumed"]
Seq = Annotated[int, Meta(ge=0, le=2**62)]


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
    """Read. Done: for `status`, what `status --json` prints."""

    id: int
    what: Literal["status"]


class Subscribe(Frame, frozen=True, kw_only=True):
    """Be sent every event after `since`, without a gap, for as long as the connection lasts. Once a connection."""

    since: Seq = 0


class Ping(Frame, frozen=True, kw_only=True):
    """Is anybody there?"""


Asked = Hello | Submit | Start | Kill | Settled | End | Query | Subscribe | Ping
Call = Submit | Start | Kill | Settled | End | Query


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


class Published(Frame, frozen=True, kw_only=True):
    """One event, as it stands in the record."""

    event: Raw


class Pong(Frame, frozen=True, kw_only=True):
    """The engine is there."""


class Bye(Frame, frozen=True, kw_only=True):
    """The engine ends in order; nothing follows."""

    reason: str


class Error(Frame, frozen=True, kw_only=True):
    """The client sent what is no frame, or the engine cannot go on with it; the connection ends."""

    reason: str
    code: str


Answered = Welcome | Done | Refused | Published | Pong | Bye | Error

_encoder = msgspec.json.Encoder()
_asked: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)
_answered: msgspec.json.Decoder[Answered] = msgspec.json.Decoder(Answered)
_PUBLISHED = b'{"frame":"published","event":'


def encode(frame: Asked | Answered) -> bytes:
    """One frame with its line end."""
    return _encoder.encode(frame) + b"\n"


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


def mismatch(*, engine: str, pid: int, client: str) -> str:
    """What to say, and do, when both versions differ."""
    return (
        f"the engine that runs here (process {pid}) is version {engine}, this is version {client}; "
        "`quarterdeck down` ends it so that its run can be resumed, then try again"
    )
