"""A profile as an ordered list of mounts, the same for our own namespaces and for bubblewrap.

Pure: it looks at no disk. Whoever carries the operations out knows what exists, pins sources before anything is
covered, and follows no symbolic link. `/` itself is read-only, nosuid and nodev before the first of them.

verb     source            at target
proc     -                 a fresh /proc
dev      -                 a minimal /dev: null zero full random urandom tty, pts, ptmx, shm
tmpfs    -                 small, empty, writable
hide     -                 empty and read-only; a file: /dev/null; what does not exist is left out
bind     folder or file    writable
bind_ro  folder or file    read-only
link     any path          a symbolic link to it; left out where nothing of ours is around it
freeze   -                 what is there by then, read-only; what does not exist is left out
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from engine.processes.confinement.profile import Profile

Verb = Literal["proc", "dev", "tmpfs", "hide", "bind", "bind_ro", "link", "freeze"]

SCRATCH = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108  places to cover, not to use
PROC, DEV, RUN = Path("/proc"), Path("/dev"), Path("/run")
# Owned by uid 0, so capabilities do not guard them: who is root inside is root to these files. For root only, because
# whatever is covered in /proc keeps programs from mounting one of their own, as agents do that bring a bubblewrap.
ROOT_FROZEN = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")
ROOT_HIDDEN = (
    *("/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/sched_debug", "/proc/acpi"),
    *("/proc/scsi", "/proc/kmsg", "/proc/kallsyms", "/proc/latency_stats", "/proc/asound", "/proc/kpagecount"),
    *("/proc/vmallocinfo", "/proc/slabinfo"),
    *("/sys/firmware", "/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/security"),
    *("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d"),
    *(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("rsa", "dsa", "ecdsa", "ed25519")),
    *("/etc/ssl/private", "/etc/pki/tls/private", "/etc/letsencrypt", "/etc/wireguard", "/etc/krb5.keytab"),
    *("/etc/NetworkManager/system-connections", "/etc/kubernetes", "/var/lib/docker", "/var/lib/containerd"),
    *("/var/spool/cron", "/root", "/boot"),
)


class Op(NamedTuple):
    """One mount. Paths are absolute; `source` is empty where the verb needs none."""

    verb: Verb
    source: str
    target: str


WHOLE = Op("bind_ro", "/", "/")


def operations(profile: Profile, *, uid: int) -> tuple[Op, ...]:
    """The mounts that put `profile` in force for a user `uid`, outer ones first."""
    wanted = dict(_system(uid))
    for path in (profile.home_at, *profile.masked):
        wanted[path] = Op("hide", "", str(path))
    wanted |= {path: Op("bind_ro", str(path), str(path)) for path in profile.readable}
    wanted |= {path: Op("bind", str(path), str(path)) for path in profile.writable}
    wanted |= {path: Op("bind", str(profile.tmp), str(path)) for path in SCRATCH}
    wanted |= {profile.home_at: Op("bind", str(profile.home), str(profile.home_at))}
    wanted |= {path: _held(path, wanted) for path in profile.frozen}
    wanted = {at: Op("link", str(to), str(at)) for at, to in profile.aliases} | wanted
    return tuple(_needed(wanted))


def masked(profile: Profile, *, uid: int) -> tuple[Path, ...]:
    """All that is masked, where there are no mounts to do it (/proc guards itself by capabilities)."""
    secrets = (Path(path) for path in ROOT_HIDDEN if uid == 0 and not Path(path).is_relative_to(PROC))
    return (profile.home_at, *profile.masked, *SCRATCH, RUN, *secrets)


def _system(uid: int) -> Iterator[tuple[Path, Op]]:
    yield PROC, Op("proc", "", str(PROC))
    yield DEV, Op("dev", "", str(DEV))
    yield RUN, Op("tmpfs", "", str(RUN))
    if uid == 0:
        yield from ((Path(path), Op("freeze", "", path)) for path in ROOT_FROZEN)
        yield from ((Path(path), Op("hide", "", path)) for path in ROOT_HIDDEN)


def _held(path: Path, wanted: dict[Path, Op]) -> Op:
    """Read-only, whether something above is shown or it is itself what is shown."""
    return (
        wanted[path]._replace(verb="bind_ro") if path in wanted and wanted[path].source else Op("freeze", "", str(path))
    )


def _needed(wanted: dict[Path, Op]) -> Iterator[Op]:
    """By depth, without what changes nothing where it lies."""
    kept: dict[Path, Op] = {}
    holders = {parent for path, op in wanted.items() if op.verb not in ("hide", "freeze") for parent in path.parents}
    for path in sorted(wanted, key=lambda path: (len(path.parts), path)):
        op = wanted[path]
        around = next((kept[parent] for parent in path.parents if parent in kept), None)
        if not _idle(op, around or WHOLE, holds=path in holders):
            kept[path] = op
            yield op


def _idle(op: Op, around: Op, *, holds: bool) -> bool:
    """Whether `around`, the innermost mount that it lies in, does the same already."""
    if (
        op.verb == "hide"
    ):  # in scratch there is nothing of the user's; but what is shown below is not for writing around
        return around.verb in ("hide", "tmpfs") or (around.verb == "bind" and not _itself(around) and not holds)
    if op.verb == "freeze":
        return around.verb in ("bind_ro", "freeze")
    return _itself(op) and _itself(around) and op.verb == around.verb


def _itself(op: Op) -> bool:
    """Whether it is shown at its own place."""
    return op.source == op.target
