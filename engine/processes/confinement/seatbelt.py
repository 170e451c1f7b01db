"""Tier basic on macOS: Seatbelt, by `sandbox-exec`. Untested on a Mac, and every tier made of it says so.

Programs are wrapped one by one. A profile in a profile is refused by the system, so what brings its own sandbox has to
run without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from engine.processes.confinement.inside import Spec

PROGRAM = b"/usr/bin/sandbox-exec"
FIXED = """(version 1)
(deny default)
(allow process-exec) (allow process-fork) (allow signal (target same-sandbox)) (allow sysctl-read)
(allow mach-lookup) (allow ipc-posix-sem) (allow ipc-posix-shm) (allow pseudo-tty)
(allow file-read*)
(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/ptmx"))"""


def wrapped(spec: Spec, argv: Iterable[bytes]) -> list[bytes]:
    """The command that runs `argv` confined."""
    return [PROGRAM, b"-p", text(spec).encode("utf-8", "surrogateescape"), *argv]


def text(spec: Spec) -> str:
    """The profile in Seatbelt's own language; of two rules for one path the later one counts.

    Outer paths come first, so that what is shown below a masked folder is shown, and the other way round.
    """
    rules = [(path, f"(deny file-read* file-write* {_below(path)})") for path in spec.masked]
    rules += [(path, f"(allow file-read* {_below(path)})") for path in spec.readable]
    rules += [(path, f"(allow file-read* file-write* {_below(path)})") for path in spec.writable]
    ordered = [rule for _, rule in sorted(rules, key=lambda rule: rule[0].count(b"/"))]
    way_out = [f'(allow network-outbound (remote ip "localhost:{spec.port}"))'] if spec.port else []
    return "\n".join((FIXED, *ordered, *way_out, "(deny network-outbound (remote unix-socket))"))


def _below(path: bytes) -> str:
    said = os.fsdecode(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'(subpath "{said}")'
