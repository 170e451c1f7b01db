"""Agents' messages: drafts are collected, validated, stamped, signed, recorded, and then delivered.

A draft is removed only once its message is recorded and delivered; a crash in between delivers it again, under the
same id, which is delivering it once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.core import commands as c
from engine.journal.keys import KeyRing
from engine.messages import mailbox
from engine.messages.drafts import Draft, id_for, parse_draft
from engine.messages.envelope import Message, new_id, sign
from engine.messages.errors import DraftRefused
from engine.messages.files import Found
from engine.messages.stillness import Stillness
from engine.messages.trust import ENGINE, Trust
from engine.runtime.record import Record
from workspaces.layout import Layout

TrustOf = Callable[[str], Trust]


class Post:
    """The boxes of one crew."""

    def __init__(self, record: Record, layout: Layout, trust: TrustOf, stillness: Stillness) -> None:
        self._record, self._layout, self._trust, self._stillness = record, layout, trust, stillness
        self._keys = KeyRing(layout.keys)

    async def look(self, agent: str, now: float) -> None:
        """Take in what lies in an agent's outbox, and see what it has read of its inbox."""
        outbox = self._layout.outbox(agent)
        found = mailbox.collect(outbox)
        self._stillness.keep(outbox, {one.path for one in found})
        for one in found:
            await self._take(agent, one, now)
        for name in mailbox.seen(self._layout.inbox(agent)):
            if self._record.state.messages.get(name) == "accepted":
                self._record.report(c.Read(id=name, state="seen"))

    async def _take(self, agent: str, found: Found, now: float) -> None:
        try:
            if found.raw is None:
                raise DraftRefused(found.refusal)
            draft = parse_draft(
                found.raw,
                sender=agent,
                trust=self._trust(agent),
                public=self._keys.signer(agent).public,
                crew=self._record.state.agents.keys(),
            )
        except DraftRefused as error:
            if self._stillness.still(found.path, found.size, found.mtime_ns, now):
                self._turn_away(agent, found, str(error))
            return
        self._stillness.forget(found.path)
        await self._accept(draft, found)

    def _turn_away(self, agent: str, found: Found, reason: str) -> None:
        self._stillness.forget(found.path)
        try:
            mailbox.refuse(self._layout.outbox(agent), found.path, reason)
        except FileNotFoundError:
            return
        self._record.report(turned_away(agent, found.path.name, reason))

    async def _accept(self, draft: Draft, found: Found) -> None:
        state = self._record.state
        name = id_for(draft, name=found.path.name, mtime_ns=found.mtime_ns, raw=found.raw or b"")
        run = state.run.id if state.run is not None else ""
        message = draft.stamp(id=name, run=run, at=found.mtime_ns / 1e9)
        taken = c.Took(
            id=name,
            sender=draft.sender,
            to=draft.to,
            kind=draft.kind,
            payload=message.payload,
            correlation=draft.correlation or "",
        )
        await self._record.report(taken)
        self.deliver(message, signer=draft.sender)
        mailbox.take(found)

    def deliver(self, message: Message, *, signer: str) -> Path | None:
        """Sign a message and put it into its recipient's inbox; nothing for those who have none."""
        if message.to not in self._record.state.agents:
            return None
        return mailbox.deliver(self._layout.inbox(message.to), sign(message, self._keys.signer(signer)))

    async def steer(self, agent: str, text: str, at: float) -> None:
        """Put a person's words into an agent's inbox, and record that they are there."""
        run = self._record.state.run
        message = Message(
            id=new_id(at), run=run.id if run else "", sender=ENGINE, to=agent, kind="steer", at=at,
            payload={"text": text},
        )  # fmt: skip
        taken = c.Took(id=message.id, sender=ENGINE, to=agent, kind="steer", payload=message.payload)
        await self._record.report(taken)
        self.deliver(message, signer=ENGINE)
        await self._record.report(c.Steered(agent=agent, text=text, delivered=False))


def turned_away(sender: str, file: str, reason: str) -> c.TurnedAway:
    """The report of a refusal. A file's name is any bytes; what is recorded is text."""
    return c.TurnedAway(sender=sender, file=_text(file), reason=_text(reason))


def _text(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()
