"""An engine that only talks to one program in one cell of a machine, to be killed by a test: ROOT BASE TIER ARGV (JSON)."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [sys.argv[1], f"{sys.argv[1]}/tests"]


async def serve() -> None:
    from support.machine import Machine

    from engine.processes.confinement.tiers import Tier

    there, told = Machine(Path(sys.argv[2]), None), json.loads(sys.argv[3])
    tier = Tier(**told | {"cgroup": told["cgroup"] and Path(told["cgroup"])})
    keeper = await there.keeper(tier)
    running = await keeper.run(replace(there.program(tier, *json.loads(sys.argv[4])), talks=True))
    running.say(b"never read\n" * 100_000)
    await running.wait()
    await keeper.close()


asyncio.run(serve())
