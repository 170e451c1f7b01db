"""What sessions had used when they were last seen, for as long as this engine lives.

Some programs count from a session's first day, though we took it up again: what they had counted before is taken off.
Only the newest are remembered; of a forgotten one nobody claims to know what is new.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from engine.core.values import Tokens

MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Total:
    """Of one session, since it began."""

    tokens: Tokens = field(default_factory=Tokens)
    usd: Decimal = Decimal(0)

    def __sub__(self, other: Total) -> Total:
        """What came after `other`; a count that went down counts as nothing."""
        mine, theirs = self.tokens, other.tokens
        tokens = Tokens(
            input=max(0, mine.input - theirs.input),
            output=max(0, mine.output - theirs.output),
            cache_read=max(0, mine.cache_read - theirs.cache_read),
            cache_write=max(0, mine.cache_write - theirs.cache_write),
        )
        return Total(tokens, max(Decimal(0), self.usd - other.usd))


_KNOWN: OrderedDict[str, Total] = OrderedDict()


def before(session: str) -> Total | None:
    """What a session had used when it was last seen; nothing for a new one (""), None where that is not known."""
    return _KNOWN.get(session) if session else Total()


def remember(session: str, total: Total) -> None:
    """What it has used by now."""
    _KNOWN[session] = total
    _KNOWN.move_to_end(session)
    while len(_KNOWN) > MOST:
        _KNOWN.popitem(last=False)
