"""Live one seed and print its record: `PYTHONPATH=tests:. python -m support.simulation SEED`."""

from __future__ import annotations

import sys

import msgspec
from support.simulation.world import World


def main(seed: int) -> None:
    """Print every event, the lost and the undurable ones too, and how it ended."""
    world = World(seed, trace=lambda event: print(_line(event)))
    world.live()
    run = world.state.run
    print("ended:", run.outcome if run else "", run.reason if run else "")


def _line(event: object) -> str:
    told = msgspec.to_builtins(event)
    who = " ".join(str(told[name]) for name in ("task", "attempt", "agent") if told[name])
    return f"{told['seq']:5} {told['kind']:18} {who:24} <- {told['cause']} {told['data']}"


if __name__ == "__main__":
    main(int(sys.argv[1]))
