"""An engine that only runs one program under one keeper, to be killed by a test: ROOT RECORDS NAME ARGV..."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])


async def serve() -> None:
    from engine.processes.keeper import Keeper
    from engine.processes.values import Program

    keeper = await Keeper.start(sys.argv[3], records=Path(sys.argv[2]))
    program = Program(argv=tuple(sys.argv[4:]), cwd=Path.cwd(), env=dict(os.environ))
    await (await keeper.run(program)).wait()
    await keeper.close()


asyncio.run(serve())
