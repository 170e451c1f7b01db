"""The dashboard at any socket, opened as the product opens it: settings, imports and all.

    python -m support.looking SOCKET [--meter FILE]

With a meter, the loop is asked every few milliseconds how late it is. At the end FILE has all of these lags, and when
they were taken: pairs of seconds, as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from engine.api import place
from tui import cli  # noqa: F401  every start of the product pays for it
from tui.commands import dashboard

EVERY = 0.005


def meter(file: Path) -> None:
    """Have the dashboard measured from its first moment on."""
    from tui.app import Quarterdeck  # as late as the product does

    lags: list[tuple[float, float]] = []

    async def measure() -> None:
        while True:
            due = time.perf_counter() + EVERY
            await asyncio.sleep(EVERY)
            lags.append((due, time.perf_counter() - due))

    class Metered(Quarterdeck):
        def on_mount(self) -> None:
            self._tasks.append(asyncio.create_task(measure()))

        async def on_unmount(self) -> None:
            file.write_text(json.dumps(lags))

    sys.modules["tui.app"].Quarterdeck = Metered


def main() -> int:
    """Open it; the exit code is the product's."""
    options = argparse.ArgumentParser()
    options.add_argument("socket", type=Path)
    options.add_argument("--meter", type=Path)
    given = options.parse_args()
    place.socket_path = lambda _: given.socket
    if given.meter:
        meter(given.meter)
    return dashboard.show(place.Place(given.socket.parent, given.socket.parent, "storm"))


if __name__ == "__main__":
    sys.exit(main())
