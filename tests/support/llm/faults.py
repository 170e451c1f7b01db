"""What goes wrong at the model's end, as a test or a step of a script orders it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

What = Literal["status", "cut", "stall", "mute", "hang_up", "error_event", "no_usage", "lie", "slow", "garbage", "gzip"]


@dataclass(kw_only=True)
class Fault:
    """One trouble, struck `times` times (-1: always) by requests it is for, once `after` of them have gone well.

    `status`: refused, with `kind` and `text` in the API's own shape, `headers`, and `reset` seconds in the vendor's way of
    telling them. `cut`: the connection ends after the part `at` (0 to 1) of the stream. `stall`: nothing more comes
    after that part, until `Model.release()`. `mute`: not even headers, until then. `hang_up`: the connection ends
    before an answer. `error_event`: an error in the stream in place of the rest. `no_usage`: the stream ends without.
    `lie`: the usage told is `factor` times the truth, plus `usage` forced. `slow`: `seconds` between portions.
    `garbage`: bytes that are none of the API's. `gzip`: compressed, though identity was asked.
    """

    what: What
    times: int = 1
    after: int = 0
    lane: str | None = None
    key: str | None = None
    api: str | None = None
    model: str | None = None
    contains: str = ""
    status: int = 500
    kind: str = ""
    text: str = "the script says so"
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: float | None = None
    at: float = 0.5
    factor: float = 1.0
    usage: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.02
    struck: int = 0
    seen: int = 0

    def strikes(self, **about: Any) -> bool:
        """Whether this request is the one; counts it."""
        wanted = {name: value for name in ("lane", "key", "api", "model") if (value := getattr(self, name)) is not None}
        if any(about[name] != value for name, value in wanted.items()) or self.contains not in about["text"]:
            return False
        self.seen += 1
        if self.seen <= self.after or self.struck == self.times:
            return False
        self.struck += 1
        return True
