"""bubblewrap: the same operations as its arguments, which nobody else can read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.aio import run
from support.cells import USERS, WITHOUT_NAMESPACES, need, place, tier

from engine.processes import tree
from engine.processes.confinement import bubblewrap, inside
from engine.processes.confinement.bubblewrap import Translation
from engine.processes.confinement.inside import Refused
from engine.processes.confinement.mounts import SCRATCH, operations
from engine.processes.confinement.tiers import Cell
from engine.processes.keeper import Keeper


def options(profile) -> list[str]:
    ops = [(op.verb, os.fsencode(op.source), os.fsencode(op.target)) for op in operations(profile, uid=1000)]
    return [os.fsdecode(word) for word in Translation(ops).options()]


def pairs(words: list[str], verb: str) -> list[tuple[str, str]]:
    return [(words[at + 1], words[at + 2]) for at, word in enumerate(words) if word == verb]


def test_what_is_masked_is_read_only_once_what_is_shown_in_it_has_its_place():
    with place() as here:
        shown = here.file("masked/shown/file").parent
        words = options(here.profile(masked=(shown.parent,), readable=(shown,)))
    covered, bound = words.index(str(shown.parent)), words.index(str(shown))
    sealed = len(words) - 1 - words[::-1].index(str(shown.parent))
    assert words[covered - 1] == "--tmpfs"
    assert words[sealed - 1] == "--remount-ro"
    assert covered < bound < sealed


def test_a_masked_file_is_covered_by_nothing_and_a_missing_one_is_left_out():
    with place() as here:
        if any(here.root.is_relative_to(folder) for folder in SCRATCH):
            pytest.skip("no folder but scratch is ours to write")
        secret = here.file("secret")
        words = options(here.profile(masked=(secret, here.root / "missing")))
    assert ("/dev/null", str(secret)) in pairs(words, "--ro-bind")
    assert str(here.root / "missing") not in words


def test_a_mount_point_in_scratch_is_made_in_scratch():
    with place() as here:
        (here.home / "tools").symlink_to(here.outside)
        shown = here.file("user/tools/deep/file").parent
        words = options(here.profile(readable=(shown,)))
        assert (here.home / "tools/deep").is_dir()
        assert not (here.home / "tools").is_symlink()
    assert (str(shown), str(shown)) in pairs(words, "--ro-bind")


def test_the_interpreter_is_shown_also_from_home_and_no_link_leads_it_astray(monkeypatch):
    with place() as here:
        prefix = here.file("user/python/bin/python").parent.parent
        (here.home / "python").symlink_to(here.outside)
        monkeypatch.setattr(bubblewrap.sys, "base_prefix", str(prefix))
        words = options(here.profile())
        assert (str(prefix), str(prefix)) in pairs(words, "--ro-bind")
        assert not (here.home / "python").is_symlink()
        assert pairs(options(here.profile(readable=(prefix,))), "--ro-bind").count((str(prefix), str(prefix))) == 1


def test_only_the_sources_of_a_keeper_are_shown_of_us():
    with place() as here:
        shown = dict(pairs(options(here.profile()), "--ro-bind"))
    ours = {Path(source).name for source, target in shown.items() if target.startswith("/run/quarterdeck")}
    assert ours == {"__init__.py", "processes"}


def test_no_path_of_the_user_s_can_be_read_in_the_list_of_processes():
    need("bubblewrap", os.getuid())

    async def scenario(here):
        secret = here.folder("a-name-nobody-else-should-know")
        keeper = await Keeper.start(
            "quiet", records=here.folder("records"), cell=Cell(tier("bubblewrap"), here.profile(masked=(secret,)))
        )
        try:
            pids = [keeper.record.pid, *(process.pid for process in tree.below(keeper.record.pid))]
            return [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids]
        finally:
            for listener in keeper.listeners:
                listener.close()
            await keeper.close()

    with place() as here:
        lines = run(scenario(here))
        assert sum(line.startswith((b"/usr/bin/bwrap", b"bwrap")) for line in lines) >= 1
        assert not any(bytes(here.root) in line for line in lines)


def test_without_bwrap_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(bubblewrap, "PLACES", ("/nowhere/bwrap",))
    with pytest.raises(Refused, match="bwrap is not installed; install the package bubblewrap"):
        bubblewrap.start(inside.Spec("bubblewrap", 0, 0, b""), 0, "", ())


@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is not installed")
@pytest.mark.parametrize("uid", USERS)
def test_what_bwrap_says_when_it_can_not_comes_back(uid):
    need("bubblewrap", uid)
    with place(uid) as here:
        here.before = WITHOUT_NAMESPACES
        ran = here.sh("bubblewrap", "echo ran")
    assert ran.refused.startswith("bwrap: ")
    assert "ran" not in ran.out.split()
