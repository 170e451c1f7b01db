"""A message as it is recorded and delivered: a draft that the engine stamped with sender, run, id and time, and signed.

What is signed is the canonical JSON of everything but the signature, so any change to any field shows.
"""

from __future__ import annotations

import base64
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Struct, field
from ulid import ULID

from engine.journal.keys import verify_signature
from engine.messages.errors import MessageDamaged, Refused
from engine.messages.hostile import canonical, load
from engine.messages.payloads import Kind

VERSION: Final = 1


class Signer(Protocol):
    """Holds one name's Ed25519 key."""

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        ...

    def sign(self, data: bytes, /) -> bytes:
        """The raw signature, 64 bytes."""
        ...


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at` is seconds since the epoch, `cause` the seq of an event, `correlation` the id of an earlier message.

    `to` is an agent, `engine` or `person`; `signature` is base64, empty while unsigned.
    """

    id: str
    run: str
    sender: str = field(name="from")
    to: str
    kind: Kind
    at: float
    payload: dict[str, Any]
    correlation: str | None = None
    cause: int | None = None
    signature: str = ""
    v: Literal[1] = VERSION


def new_id(at: float) -> str:
    """A ULID for a message of this time (seconds since the epoch)."""
    return str(ULID.from_timestamp(at))


def encode(message: Message) -> bytes:
    """The message as it lies in an inbox: canonical JSON, all fields."""
    return canonical(msgspec.to_builtins(message))


def decode(raw: bytes) -> Message:
    """Read what `encode` wrote. The signature is not checked here.

    Raises `MessageDamaged`.
    """
    try:
        return msgspec.convert(load(raw), Message)
    except Refused as error:
        raise MessageDamaged(error.reason, error.field) from None
    except msgspec.ValidationError as error:
        raise MessageDamaged(str(error)) from None


def signed_bytes(message: Message) -> bytes:
    """What a signature of this message covers."""
    fields = msgspec.to_builtins(message)
    del fields["signature"]
    return canonical(fields)


def sign(message: Message, signer: Signer) -> Message:
    """The message with a signature over everything else in it."""
    signature = signer.sign(signed_bytes(message))
    return msgspec.structs.replace(message, signature=base64.b64encode(signature).decode())


def verify(message: Message, public: bytes) -> bool:
    """Whether the holder of this public key signed exactly this message."""
    return is_signed(signed_bytes(message), message.signature, public)


def is_signed(data: bytes, signature: str, public: bytes) -> bool:
    """Whether `signature` (base64) is that of `public` (32 raw bytes) over `data`; False for any malformed input."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:  # binascii's, and text that is not ASCII
        return False
    return verify_signature(public, data, raw)
