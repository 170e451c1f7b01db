"""An engine that only runs one program in one cell of a machine, to be killed by a test: ROOT BASE TIER ARGV (JSON)."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path[:0] = [sys.argv[1], f"{sys.argv[1]}/tests"]


async def serve() -> None:
    from support.machine import Machine

    from engine.processes.confinement.tiers import Tier

    there, told = Machine(Path(sys.argv[2]), None), json.loads(sys.argv[3])
    tier = Tier(**told | {"cgroup": told["cgroup"] and Path(told["cgroup"])})
    keeper = await there.keeper(tier)
    await (await keeper.run(there.program(tier, *json.loads(sys.argv[4])))).wait()
    await keeper.close()


asyncio.run(serve())
