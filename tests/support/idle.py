"""When an app of Textual's is idle, found out by its loop and not by the processor time that the process has used.

Its own pilot waits for less than 1 ms of that in 20 ms, several times a key, and up to a second each time where an
engine is busy in the same process. Only for who looks until there is what is wanted, as `dash` does.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from textual import app, pilot

STEP = 0.002


@contextmanager
def by_its_loop() -> Iterator[None]:
    """For as long as this lasts."""
    with mock.patch.object(pilot, "wait_for_idle", _wait), mock.patch.object(app, "wait_for_idle", _wait):
        yield


async def _wait(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Until nothing is ready to run but who asks; what comes by a socket or a timer is waited for by looking."""
    ready, until = asyncio.get_running_loop()._ready, time.monotonic() + max_sleep  # type: ignore[attr-defined]
    while True:
        await asyncio.sleep(STEP)
        if not ready or time.monotonic() > until:
            return
