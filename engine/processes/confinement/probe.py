"""Which tier is in force on this machine: found by running a program in it, never by a version.

Each mechanism is tried in the full profile, with a keeper of its own, until one holds what is asked of it; why the
others do not is kept, so that a person can mend it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.processes.confinement import bubblewrap, cgroup, landlock, seccomp, syscalls
from engine.processes.confinement.profile import Profile, coverable
from engine.processes.confinement.settling import NPROC_SINCE, PID_MAX_SINCE
from engine.processes.confinement.tiers import MECHANISMS, NAMES, UNCONFINED, Cell, Mechanism, Tier, known_holes
from engine.processes.errors import ProcessError
from engine.processes.keeper import Keeper

SECONDS = 20.0
PLATFORMS = {"seatbelt": "darwin"}
SCRIPT = """
wrong() { echo "$1"; exit 1; }
echo mine > "$CLONE/new" || wrong "its own folder can not be written to"
echo mine > "$HOME/new" || wrong "its HOME can not be written to"
echo mine > "$TMPDIR/new" || wrong "its TMPDIR can not be written to"
{ echo mine > "$ROOT/outside/file"; } 2>/dev/null && wrong "a foreign file can be written to"
{ read -r line < "$ROOT/masked/file"; } 2>/dev/null && wrong "a masked file can be read"
read -r line < "$ROOT/masked/shown/file" || wrong "a file that is shown can not be read"
{ echo mine > "$CLONE/file"; } 2>/dev/null && test "$TMPDIR" = /tmp && wrong "a frozen file can be written to"
exit 0
"""

_found: dict[tuple[Mechanism, ...], Tier] = {}


async def probe(mechanisms: Sequence[Mechanism] = MECHANISMS, *, scratch: Path) -> Tier:
    """The first of `mechanisms` that holds; UNCONFINED, with all reasons in `tried`, if none does.

    `scratch` is an existing folder of ours, used and left as it was. What was found is kept for this process.
    """
    chosen = tuple(mechanisms)
    if chosen not in _found:
        _found[chosen] = await _search(chosen, scratch)
    return _found[chosen]


def forget() -> None:
    """Probe anew the next time."""
    _found.clear()


async def _search(mechanisms: Sequence[Mechanism], scratch: Path) -> Tier:
    tried: list[tuple[str, str]] = []
    base = cgroup.find() if sys.platform == "linux" else None
    for mechanism in mechanisms:
        for group in (base, None) if base and NAMES[mechanism] == "strong" else (None,):
            tier = _candidate(mechanism, group)
            if not (why := await _try(tier, scratch)):
                return replace(tier, tried=tuple(tried))
            tried.append((f"{mechanism} in a cgroup" if group else mechanism, why))
    return replace(UNCONFINED, tried=tuple(tried))


def _candidate(mechanism: Mechanism, group: Path | None) -> Tier:
    abi = landlock.version() if mechanism == "landlock" and sys.platform == "linux" else 0
    filtered = sys.platform != "linux" or seccomp.available()
    holes = known_holes(mechanism, abi=abi, limited=_limited(mechanism, group), filtered=filtered)
    return Tier(name=NAMES[mechanism], mechanism=mechanism, detail=_detail(mechanism, abi), holes=holes, cgroup=group)


def _limited(mechanism: Mechanism, group: Path | None) -> bool:
    """Whether the number of processes can be held."""
    if NAMES[mechanism] != "strong" or sys.platform != "linux":
        return False
    if group and "pids" in cgroup.controllers(group):
        return True
    own = mechanism == "namespaces" and syscalls.kernel() >= PID_MAX_SINCE
    return own or (os.getuid() != 0 and syscalls.kernel() >= NPROC_SINCE)


def _detail(mechanism: Mechanism, abi: int) -> str:
    if mechanism == "landlock":
        return f"Landlock ABI {abi}"
    if mechanism == "bubblewrap" and (path := bubblewrap.program()):
        return subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=5
        ).stdout.strip()
    return mechanism


async def _try(tier: Tier, scratch: Path) -> str:
    """Run the script in it. Empty, or why it does not hold, in a sentence."""
    platform = PLATFORMS.get(tier.mechanism, "linux")
    if sys.platform != platform:
        return f"only on {'macOS' if platform == 'darwin' else 'Linux'}"
    cell, root = _cell(tier, scratch)
    try:
        return await _run(cell, root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _cell(tier: Tier, scratch: Path) -> tuple[Cell, Path]:
    """All kinds of folders at once, around the HOME that agents will have; and what to remove afterwards."""
    root = Path(tempfile.mkdtemp(prefix="probe-", dir=scratch.resolve()))
    folders = [root / name for name in ("home", "tmp", "clone", "outside", "masked", "masked/shown")]
    for folder in folders:
        folder.mkdir()
        (folder / "file").write_text("file\n")
    home, tmp, clone, _, masked, shown = folders
    profile = Profile(
        home=home,
        home_at=coverable(Path(os.path.expanduser("~")).resolve(), home),  # noqa: PTH111  it never raises
        tmp=tmp,
        writable=(clone,),
        frozen=(clone / "file",),
        readable=(shown,),
        masked=(masked,),
    )
    return Cell(tier, profile), root


async def _run(cell: Cell, root: Path) -> str:
    env = cell.profile.environment(cell.tier) | {"ROOT": str(root), "CLONE": str(root / "clone"), "PATH": os.defpath}
    try:
        async with asyncio.timeout(SECONDS):
            keeper = await Keeper.start("probe", records=root / "records", env=env, cell=cell)
            try:
                done = await keeper.call(["/bin/sh", "-c", SCRIPT], cwd=root / "clone", timeout=SECONDS / 2)
            finally:
                for listener in keeper.listeners:
                    listener.close()
                await keeper.close()
    except (ProcessError, OSError, TimeoutError) as error:
        return getattr(error, "reason", "") or str(error) or f"no answer within {SECONDS:g} s"
    if cell.tier.cgroup and not keeper.record.cgroup:
        return "its keeper was not put into a group"
    if done.code == 0:
        return ""
    return (done.out + done.err).decode(errors="replace").strip() or f"the program in it ended with {done.code}"
