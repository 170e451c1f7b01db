"""Deaths of children as something to poll for, in a process without threads that waits for nothing else."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # the enums of `signal` would be a third of a start

CHUNK = 65536


def deaths() -> int:
    """A descriptor that is readable once a child has died."""
    if hasattr(os, "pipe2"):
        wakeup, ring = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    else:
        wakeup, ring = os.pipe()
        for end in (wakeup, ring):
            os.set_blocking(end, False)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wakeup


def drain(descriptor: int) -> None:
    """Read all that is there."""
    try:
        while os.read(descriptor, CHUNK):
            pass
    except BlockingIOError:
        pass
