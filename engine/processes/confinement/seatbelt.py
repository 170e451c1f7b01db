"""Tier basic on macOS: Seatbelt, which a process puts on itself between fork and exec, as with Landlock on Linux.

Untested on a Mac, and every tier made of it says so. A profile in a profile is refused by the system, so a program
that brings its own sandbox has to run without that.
"""

from __future__ import annotations

import ctypes
import os

from engine.processes.confinement.inside import Refused

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    from engine.processes.confinement.inside import Spec

LIBRARY = "/usr/lib/libsandbox.1.dylib"
FIXED = """(version 1)
(deny default)
(allow process-exec) (allow process-fork) (allow signal (target same-sandbox)) (allow sysctl-read)
(allow mach-lookup) (allow ipc-posix-sem) (allow ipc-posix-shm) (allow pseudo-tty)
(allow file-read*)
(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/ptmx"))"""


class Sandbox:
    """What the programs of a keeper may do. Raises Refused where the system has no Seatbelt."""

    def __init__(self, spec: Spec) -> None:
        self.profile = text(spec).encode("utf-8", "surrogateescape")
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise Refused("loading Seatbelt: this system has none") from error

    def restrict(self) -> None:
        """For good, and for all that we start. Raises Refused."""
        complaint = ctypes.c_char_p()
        if self._library.sandbox_init(self.profile, ctypes.c_uint64(0), ctypes.byref(complaint)) != 0:
            said = (complaint.value or b"").decode(errors="replace")
            raise Refused(f"putting the Seatbelt profile in force: {said}")


def text(spec: Spec) -> str:
    """The profile in Seatbelt's own language; of two rules for one path the later one counts.

    Outer paths come first, so that what is shown below a masked folder is shown, and the other way round.
    """
    rules = [(path, f"(deny file-read* file-write* {_below(path)})") for path in spec.masked]
    rules += [(path, f"(allow file-read* {_below(path)})") for path in spec.readable]
    rules += [(path, f"(allow file-read* file-write* {_below(path)})") for path in spec.writable]
    ordered = [rule for _, rule in sorted(rules, key=lambda rule: rule[0].count(b"/"))]
    ways_out = [f'(allow network-outbound (remote ip "localhost:{port}"))' for port in spec.ports]
    return "\n".join((FIXED, *ordered, *ways_out, "(deny network-outbound (remote unix-socket))"))


def _below(path: bytes) -> str:
    said = os.fsdecode(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'(subpath "{said}")'
