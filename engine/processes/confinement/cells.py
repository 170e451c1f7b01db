"""A cell on its way to a keeper: the flat fields of the first frame, `cell`.

MECHANISM PROCESSES FILE_BYTES CGROUP, then five counted lists: ports, operations (three fields each), readable,
writable, masked. `inside.parse` reads them back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from engine.processes import wire
from engine.processes.confinement import mounts
from engine.processes.confinement.tiers import Cell


def encode(cell: Cell, *, uid: int | None = None, cgroup: Path | None = None) -> tuple[bytes, ...]:
    """The fields behind the verb. `uid` is whom the mounts are for, by default us; `cgroup` where programs go in."""
    profile, tier = cell.profile, cell.tier
    user = os.getuid() if uid is None else uid
    operations = mounts.operations(profile, uid=user)
    return (
        tier.mechanism.encode(),
        *(b"%d" % number for number in (profile.processes, profile.file_bytes)),
        os.fsencode(cgroup or ""),
        *wire.counted(b"%d" % port for port in profile.ports),
        *wire.counted(os.fsencode(part) for operation in operations for part in operation),
        *_paths(profile.readable),
        *_paths((profile.home, profile.tmp, *profile.writable)),
        *_paths(mounts.masked(profile, uid=user)),
    )


def _paths(paths: Iterable[Path]) -> tuple[bytes, ...]:
    return wire.counted(os.fsencode(path) for path in paths)
