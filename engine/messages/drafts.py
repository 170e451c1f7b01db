"""From the bytes in an outbox to a draft that may be stamped: who sends is known by the box, not by what it says.

It decides only whether the draft is well formed and its sender's to send. It does not know the run, the tasks or
whether the recipient is alive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field
from ulid import ULID

from engine.messages import trust as rules
from engine.messages.envelope import Message, is_signed
from engine.messages.errors import DraftRefused, Refused
from engine.messages.hostile import canonical, checked, load
from engine.messages.payloads import PAYLOADS, Kind, Payload
from engine.messages.trust import ABOVE, ENGINE, Trust

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,100}$")]
Ulid = Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
Signature = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]

NEEDS_CORRELATION: Final[frozenset[Kind]] = frozenset({"answer"})


class DraftFields(BaseModel):
    """A draft as it is written; `payload` is checked by its kind's own model."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Kind
    payload: dict[str, Any]
    to: Name | None = None
    sender: Name | None = Field(default=None, alias="from")
    id: Ulid | None = None
    correlation: Ulid | None = None
    signature: Signature | None = Field(default=None, description="base64 Ed25519 over the canonical rest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A valid draft. `to` is always someone; `id` is None unless the sender chose one."""

    sender: str
    to: str
    kind: Kind
    payload: Payload
    id: str | None = None
    correlation: str | None = None

    def stamp(self, *, id: str, run: str, at: float, cause: int | None = None) -> Message:  # noqa: A002  its name
        """The unsigned message; `at` in seconds since the epoch."""
        return Message(
            id=id,
            run=run,
            sender=self.sender,
            to=self.to,
            kind=self.kind,
            at=at,
            cause=cause,
            correlation=self.correlation,
            payload=self.payload.model_dump(mode="json"),
        )


def parse_draft(
    raw: bytes,
    *,
    sender: str,
    trust: Trust,
    public: bytes | None = None,
    crew: Collection[str] | None = None,
) -> Draft:
    """The draft in these bytes, found in `sender`'s outbox.

    `public` is the sender's own key: a draft that carries a signature is verified with it, and refused without it.
    `crew` are the agents that can be addressed (None: not checked here). Raises `DraftRefused`, and nothing else.
    """
    try:
        value = load(raw)
        fields = checked(DraftFields, value)
        payload = checked(PAYLOADS[fields.kind], fields.payload, under="payload")
    except Refused as error:
        raise DraftRefused(error.reason, error.field) from None
    _check_sender(fields, cast("Mapping[str, object]", value), sender, public)
    rules.check(fields.kind, fields.to, trust)
    if fields.kind in NEEDS_CORRELATION and fields.correlation is None:
        raise DraftRefused(f"{fields.kind} needs the id of the message it is about", "correlation")
    to = fields.to or ENGINE
    if crew is not None and to not in ABOVE and to not in crew:
        raise DraftRefused(f'there is no agent "{to}"', "to")
    return Draft(sender=sender, to=to, kind=fields.kind, payload=payload, id=fields.id, correlation=fields.correlation)


def signed_part(value: Mapping[str, object]) -> bytes:
    """What a sender that signs by itself signs: the canonical JSON of its draft without `signature`."""
    return canonical({name: given for name, given in value.items() if name != "signature"})


def id_for(draft: Draft, *, name: str, mtime_ns: int, raw: bytes) -> str:
    """The draft's own id, or one made of the file: the same file taken twice (a crash in between) is one message."""
    if draft.id is not None:
        return draft.id
    stamp = max(mtime_ns // 1_000_000, 0) % 2**48
    digest = hashlib.sha256(b"\0".join((draft.sender.encode(), name.encode(errors="surrogateescape"), raw))).digest()
    return str(ULID.from_bytes(stamp.to_bytes(6, "big") + digest[:10]))


def _check_sender(fields: DraftFields, value: Mapping[str, object], sender: str, public: bytes | None) -> None:
    if fields.sender is not None and fields.sender != sender:
        raise DraftRefused(f'is "{fields.sender}", but this is the outbox of "{sender}"', "from")
    if fields.signature is None:
        return
    if public is None:
        raise DraftRefused(f'no key of "{sender}" is known to check it with', "signature")
    if not is_signed(signed_part(value), fields.signature, public):
        raise DraftRefused(f'is not that of "{sender}"', "signature")
