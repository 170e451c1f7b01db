"""Why a request was refused. A refusal changes nothing; its message names the thing and the way out."""

from __future__ import annotations


class Refused(Exception):
    """The request cannot be done as it stands."""

    def __init__(self, reason: str, *, code: str = "refused") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Unknown(Refused):
    """There is no such thing."""

    def __init__(self, what: str, name: str, known: list[str]) -> None:
        there = f"there is {', '.join(known)}" if known else "there is none"
        super().__init__(f'no {what} "{name}": {there}', code="unknown")


class Stale(Refused):
    """It has changed since the asker looked."""

    def __init__(self, what: str, name: str, seen: int, now: int, state: str) -> None:
        super().__init__(
            f'{what} "{name}" has changed since you looked (version {seen}, now {now}: {state}); look again',
            code="stale",
        )


class Busy(Refused):
    """A run is under way already."""

    def __init__(self, run: str, state: str) -> None:
        super().__init__(
            f"run {run} is {state} here; go on with `quarterdeck run --resume`, watch it with `quarterdeck log "
            "--follow`, or end it with `quarterdeck down`",
            code="busy",
        )
