"""The limits of an agent in words: how each is set, and what is said of one that was reached."""

from __future__ import annotations

from engine.core.quantities import show_size, show_span
from engine.core.values import Limited, Limits

_REACHED = {
    "processes": {
        "refused": "it has {used} of {value} processes, and more are refused",
        "ended": "it had {used} processes, more than {value}",
    },
    "memory": {
        "ended": "it used {used} of memory, more than {value}",
        "refused": "it wanted more than {value} of memory, and the kernel ended a process of it",
    },
    "disk": {"ended": "its clone, home and tmp held {used}, more than {value}"},
    "file": {"ended": "it wrote a file of more than {value}"},
    "output": {"slowed": "it prints more than {value} a second and is slowed down"},
    "log": {"cut": "its transcript is cut at {value}"},
    "time": {"ended": "it took longer than {value}"},
    "freeze_idle": {"frozen": "it used no processor and printed nothing for {value}"},
}


def reached(limited: Limited) -> str:
    """What a limit that was reached means: `it took longer than 2h`."""
    said = _REACHED.get(limited.limit, {}).get(limited.done, "{limit}: {used} of {value}, {done}")
    return said.format(limit=limited.limit, used=limited.used, value=limited.value, done=limited.done)


def setting(limit: str) -> str:
    """Where it is set."""
    return f"[limits] {limit}"


def each(limits: Limits) -> str:
    """What one agent may use, in a sentence without its verb; empty where nothing is limited."""
    told = [
        f"{limits.processes} processes" if limits.processes else "",
        f"{show_size(limits.memory)} of memory" if limits.memory else "",
        f"{show_size(limits.disk)} on disk" if limits.disk else "",
        f"{show_span(limits.time)} an attempt" if limits.time else "",
        f"frozen after {show_span(limits.freeze_idle)} of idleness" if limits.freeze_idle else "",
    ]
    return ", ".join(filter(None, told))


def shown(limits: Limits) -> tuple[tuple[str, str], ...]:
    """Those of an agent as pairs of name and value, as they are written; what is not limited says `unlimited`."""
    processes = str(limits.processes) if limits.processes else ""
    told = [
        ("processes", processes),
        ("memory", show_size(limits.memory)),
        ("disk", show_size(limits.disk)),
        ("file", show_size(limits.file)),
        ("output", f"{show_size(limits.output)} a second" if limits.output else ""),
        ("log", show_size(limits.log)),
        ("time", show_span(limits.time)),
    ]
    idle = show_span(limits.freeze_idle) or "never"
    return (*((name, text or "unlimited") for name, text in told), ("nice", str(limits.nice)), ("freeze_idle", idle))
