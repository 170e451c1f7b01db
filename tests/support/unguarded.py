"""The engine with its guard against merging twice taken out: it never finds that an attempt was merged before."""

from __future__ import annotations

import sys

from engine.daemon import main
from workspaces.merge.trailers import Trailers


async def nothing(*_: object) -> None:
    """What `Trailers.find` says where nothing was merged."""


Trailers.find = nothing  # type: ignore[assignment]

if __name__ == "__main__":
    sys.exit(main())
