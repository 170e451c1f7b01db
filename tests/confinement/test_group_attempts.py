"""Groups 6, 7 and 8: what a program tries from inside to write, be heard, reach and read. Judged from outside.

Each attempt is first made without a cell, where it has to come through: an attempt that cannot succeed proves nothing.
What a tier is known not to hold stands here by name, and has to be among the holes that the tier itself tells.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from support.aio import run
from support.bystanders import condition, listeners, victims
from support.in_tiers import CONFINED, STRONG, each, tier_by
from support.machine import MARK, SECRET, Machine, Outcome, Victims, machine, ways_to_write

from engine.processes.confinement.tiers import UNCONFINED, Tier


def through(told: dict[str, Outcome]) -> set[str]:
    return {name for name, outcome in told.items() if outcome.through}


def why(told: dict[str, Outcome], names: Iterable[str] | None = None) -> str:
    """What the attempts said: of those that came through, or of the named ones."""
    chosen = through(told) if names is None else names
    return "\n".join(f"{name}: {told.get(name)}" for name in sorted(chosen))


# Writing.

OF_THE_OWNER = {
    "chmod", "chmod_by_descriptor", "chmod_by_path_descriptor", "chmod_folder", "chown", "utime", "set_attribute", "set_flags",
}  # fmt: skip
"""What Landlock does not know: it is about content and names."""


def writes(there: Machine, tier: Tier, places: Mapping[str, Path]) -> tuple[set[str], dict[str, Outcome]]:
    """Which victims have changed, and what the attempts say."""
    ways = ways_to_write()
    victims = Victims(places, ways)
    told = run(there.attempt(tier, "writes", victims.world()))
    assert {name.partition(": ")[2] for name in told} == set(ways)
    return victims.changed(), told


def test_every_way_to_write_is_a_way_where_nothing_is_confined():
    with machine() as there:
        changed, told = writes(there, UNCONFINED, {"home": there.home, "tmp": there.elsewhere})
        depends = {name for name in told if name.endswith(("set_flags", "set_attribute"))}  # on the file system
        assert changed | depends >= set(told), why(told, told.keys() - changed)


@each(CONFINED)
def test_nothing_is_written_where_it_is_not_ones_own(mechanism):
    tier = tier_by(mechanism)
    with machine() as there:
        changed, told = writes(there, tier, there.places())
    basic = tier.name == "basic"
    known = {
        name for name in told if basic and (name.startswith("frozen: ") or name.partition(": ")[2] in OF_THE_OWNER)
    }
    assert changed - known == set(), why(told, changed - known)
    if changed:
        assert any("mode" in hole for hole in tier.holes), "what is known is also told"


# Being heard.

LANDLOCK_LETS = {"udp", "unix home", "unix tmp", "unix runtime", "unix state", "unix system"}


def sockets(there: Machine) -> dict[str, Path]:
    """Where the person's other programs listen."""
    places = {"home": there.home, "tmp": there.elsewhere, "runtime": there.run, "state": there.state}
    return places | ({"system": there.system} if there.system else {})


def test_every_word_is_heard_where_nothing_is_confined():
    with machine() as there, listeners(sockets(there)) as ears:
        told = run(there.attempt(UNCONFINED, "network", ears.world()))
        refused = set(told) - through(told)
        assert refused <= {"raw", "vsock", "tcp from new namespaces"}, why(told, refused)
        assert ears.heard() >= {
            "tcp",
            "udp",
            "abstract",
            "datagram",
            "unix home",
            "unix tmp",
            "unix runtime",
            "unix state",
        }


@each(CONFINED)
def test_nobody_outside_hears_a_word(mechanism):
    tier = tier_by(mechanism)
    with machine() as there, listeners(sockets(there)) as ears:
        told = run(there.attempt(tier, "network", ears.world()))
        heard = ears.heard()
    assert heard - (LANDLOCK_LETS if tier.name == "basic" else set()) == set(), why(told)
    if heard:
        assert any("UDP" in hole for hole in tier.holes)
        assert any("sockets" in hole for hole in tier.holes)


@each(STRONG)
def test_nothing_is_started_outside_through_a_terminal_multiplexer(mechanism):
    tier = tier_by(mechanism)
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    with machine() as there:
        socket, canary = there.elsewhere / "tmux", there.home / "canary"
        server = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        env = {"PATH": os.environ.get("PATH", os.defpath), "SHELL": "/bin/sh", "TERM": "xterm"}
        subprocess.run([*server, "new-session", "-d", "sleep 1000"], check=True, env=env)
        try:
            window = f"touch {canary}; tmux -S {socket} wait-for -S made"
            subprocess.run([*server, "new-window", window, ";", "wait-for", "made"], check=True, env=env, timeout=10)
            canary.unlink()  # so it can be made
            told = run(there.call(tier, "tmux", "-S", str(socket), "new-session", "-d", f"touch {canary}"))
            windows = subprocess.run([*server, "list-windows", "-a"], check=True, capture_output=True, env=env)
            assert len(windows.stdout.splitlines()) == 1, told
            assert not canary.exists(), told
        finally:
            subprocess.run([*server, "kill-server"], check=False, env=env)


# Reaching processes.

LANDLOCK_SHOWS = {"arguments", "nicer", "pin", "schedule", "last_in_line", "shared memory"}
"""What a process of the same user may know and do without a signal, a trace or a file."""


class Segment:
    """System V shared memory of the person, with the mark in it."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.shmat.restype = ctypes.c_void_p
        self.key = 0x51440000 | os.getpid() & 0xFFFF
        self._id = self._libc.shmget(self.key, 4096, 0o1600)
        place = self._libc.shmat(self._id, None, 0)
        ctypes.memmove(place, MARK.encode(), len(MARK))

    def __enter__(self) -> int:
        return self.key

    def __exit__(self, *_: object) -> None:
        self._libc.shmctl(self._id, 0, None)


def reached(there: Machine, tier: Tier) -> tuple[set[str], dict[str, Outcome]]:
    """Who has changed by an attempt, and what the attempts say. Each attempt has a victim of its own."""
    with victims(there, 30) as bystanders, Segment() as key:
        pids = [one.pid for one in bystanders]
        before = [condition(pid) for pid in pids]
        told = run(there.attempt(tier, "reach", {"victims": pids, "queue": key}))
        after = [condition(pid) for pid in pids]
    hit = {name for name, was, now in zip(told, before, after, strict=False) if was != now}
    return hit, told


def test_every_process_is_in_reach_where_nothing_is_confined():
    with machine() as there:
        hit, told = reached(there, UNCONFINED)
        assert hit >= {
            "kill",
            "kill_by_handle",
            "kill_group",
            "stop",
            "queue_a_signal",
            "signal_by_a_pipe",
            "limit",
            "nicer",
        }
        assert through(told) >= {
            "environment",
            "read_memory",
            "arguments",
            "root",
            "folder",
            "descriptors",
            "shared memory",
        }


@each(CONFINED)
def test_no_process_outside_is_in_reach(mechanism):
    tier = tier_by(mechanism)
    with machine() as there:
        hit, told = reached(there, tier)
    known = LANDLOCK_SHOWS if tier.name == "basic" else set()
    assert hit - known == set(), why(told)
    assert through(told) - known == set(), why(told)
    if hit:
        assert any("priority" in hole for hole in tier.holes), "what is known is also told"


@each(STRONG)
def test_init_is_out_of_reach_of_its_programs(mechanism):
    tier = tier_by(mechanism)
    with machine() as there:
        told = run(there.attempt(tier, "init"))
    assert through(told) == set(), why(told)


class Key:
    """A key in the session's keyring, which programs inherit."""

    def __init__(self, name: str) -> None:
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._number = 248 if os.uname().machine == "x86_64" else 217
        self.there = False
        for ring in (-3, -4):
            self.there |= self._call(self._number, b"user", name.encode(), MARK.encode(), len(MARK), ring) > 0


@each(STRONG)
def test_an_administrator_inside_is_none(mechanism):
    """Masks, mounts, devices, settings of the kernel, keys: tried by whoever runs the tests, root where that is root."""
    tier = tier_by(mechanism)
    with machine() as there:
        Key(there.base.name)
        before = Path("/proc/self/mountinfo").read_text(), os.uname()
        masked = {
            "repository": str(there.project),
            "home": str(there.home),
            "elsewhere": str(there.elsewhere / "token"),
        }
        for folder in (there.project, there.home):
            (folder / "marked").write_text(MARK)
        there.frozen.joinpath("file").write_text("as it was")
        told = run(
            there.attempt(tier, "powers", {"masked": masked, "key": there.base.name, "frozen": str(there.frozen)})
        )
        assert (Path("/proc/self/mountinfo").read_text(), os.uname()) == before
        assert not Path("/quarterdeck-was-here").exists()
    assert through(told) - (KEYS if os.getuid() else set()) == set(), why(told)


KEYS = {"name of a key"}
"""What of an ordinary user's keys can be seen: /proc/keys covered would keep programs from bringing their own sandbox."""


# Secrets.


def folders(there: Machine) -> list[str]:
    return [
        str(folder)
        for folder in (there.home, there.base, there.run, there.elsewhere, "/tmp", "/var/tmp", "/run", "/dev/shm")
    ]


def test_secrets_are_found_where_nothing_is_confined():
    with machine() as there:
        told = run(there.attempt(UNCONFINED, "secrets", {"folders": [str(there.home), str(there.base)]}))
        assert through(told) == {f"files below {there.home}", f"files below {there.base}"}, why(told)


@each(CONFINED)
def test_no_secret_is_found_inside(mechanism, monkeypatch):
    """Ten in files and in the engine's environment, which a keeper is started from."""
    tier = tier_by(mechanism)
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "MY_OWN"):
        monkeypatch.setenv(name, f"{SECRET}env-{name}")
    with machine() as there, victims(there, 1, {"SECRET": f"{SECRET}env"}):
        told = run(there.attempt(tier, "secrets", {"folders": folders(there)}))
    assert through(told) == set(), why(told)


# Honest work.

NOT_IN_BASIC = {"talk to itself by tcp", "talk to itself by a socket", "open a terminal"}
"""There a port, a socket or a terminal of one's own cannot be told from another program's of the same user."""


@each(CONFINED)
def test_honest_tools_work(mechanism):
    tier = tier_by(mechanism)
    with machine() as there:
        told = run(there.attempt(tier, "honest", {"readable": str(there.shown / "file")}))
    refused = set(told) - through(told)
    known = NOT_IN_BASIC if tier.name == "basic" else set()
    assert refused - known == set(), why(told, refused)
