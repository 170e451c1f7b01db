"""Tiers: what they are called, for whom they are enough, and how the one in force is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.aio import run
from support.cells import ROOT, WITHOUT_NAMESPACES, need, place, tier

from engine.processes.confinement import probe as probing
from engine.processes.confinement import seatbelt
from engine.processes.confinement.inside import Refused, Spec
from engine.processes.confinement.tiers import MECHANISMS, UNCONFINED, Cell, known_holes
from engine.processes.errors import NotConfined
from engine.processes.keeper import Keeper


@pytest.fixture(autouse=True)
def _anew():
    probing.forget()
    yield
    probing.forget()


def test_a_tier_is_called_by_what_enforces_it():
    strong = tier("namespaces", detail="namespaces")
    assert strong.label == "strong (namespaces)"
    assert replace(strong, cgroup=Path("/group")).label == "strong+ (namespaces, cgroup)"
    assert tier("landlock", detail="Landlock ABI 7").label == "basic (Landlock ABI 7)"
    assert UNCONFINED.label == "unconfined"


@pytest.mark.parametrize(
    ("least", "strong", "basic", "unconfined"),
    [("strong", True, False, False), ("basic", True, True, False), ("", True, True, False), ("none", True, True, True)],
)
def test_nothing_is_enough_only_for_who_opted_in(least, strong, basic, unconfined):
    found = [known.enough_for(least) for known in (tier("bubblewrap"), tier("landlock"), UNCONFINED)]
    assert found == [strong, basic, unconfined]


def test_every_mechanism_says_what_it_does_not_hold():
    assert all(known_holes(mechanism) for mechanism in (*MECHANISMS, "none"))
    assert "there is no limit on processes" in known_holes("bubblewrap", limited=False)
    assert "the user's other processes can be signalled" in known_holes("landlock", abi=5)
    assert "the user's other processes can be signalled" not in known_holes("landlock", abi=6)
    assert any("UDP" in hole for hole in known_holes("landlock", abi=7, filtered=False))
    assert not any("UDP" in hole for hole in known_holes("landlock", abi=7))


def test_the_environment_leads_to_what_is_there():
    with place() as here:
        strong = here.profile(port=3128).environment(tier("namespaces"))
        basic = here.profile(port=4000, token="a/b").environment(tier("landlock"))
        closed = here.profile().environment(tier("namespaces"))
        assert (strong["HOME"], strong["TMPDIR"]) == (str(here.at), "/tmp")
        assert (basic["HOME"], basic["TMPDIR"]) == (str(here.home), str(here.tmp))
        assert strong["https_proxy"] == strong["HTTP_PROXY"] == "http://127.0.0.1:3128"
        assert basic["ALL_PROXY"] == "http://quarterdeck:a%2Fb@127.0.0.1:4000"
        assert strong["NO_PROXY"] == strong["no_proxy"] == "127.0.0.1,localhost"
        assert here.profile(port=3128, direct=("localhost",)).environment(tier("landlock"))["no_proxy"] == "localhost"
        assert set(closed) == {"HOME", "TMPDIR"}
        assert here.profile().environment(UNCONFINED) == {}


@pytest.mark.parametrize("mechanism", ["namespaces", "bubblewrap", "landlock"])
def test_the_probe_runs_a_program_in_the_full_profile_and_leaves_nothing(mechanism, tmp_path):
    need(mechanism, os.getuid())
    found = run(probing.probe((mechanism,), scratch=tmp_path))
    assert found.mechanism == mechanism
    assert found.tried == ()
    assert found.holes
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_hold_is_passed_over_and_says_why(tmp_path, monkeypatch):
    need("landlock", os.getuid())
    monkeypatch.setattr(probing, "SCRIPT", 'test "$TMPDIR" = /tmp && { echo "it is strong"; exit 1; }; exit 0')
    monkeypatch.setattr(probing.cgroup, "find", lambda: None)
    found = run(probing.probe(("namespaces", "seatbelt", "landlock"), scratch=tmp_path))
    assert found.mechanism == "landlock"
    assert found.tried == (("namespaces", "it is strong"), ("seatbelt", "only on macOS"))


def test_where_nothing_holds_it_is_unconfined_with_all_reasons(tmp_path, monkeypatch):
    monkeypatch.setattr(probing, "SCRIPT", "echo no; exit 1")
    monkeypatch.setattr(probing.cgroup, "find", lambda: None)
    found = run(probing.probe(("namespaces", "landlock"), scratch=tmp_path))
    assert found.name == "unconfined"
    assert [mechanism for mechanism, _ in found.tried] == ["namespaces", "landlock"]


def test_a_group_that_can_not_be_used_does_not_cost_the_tier(tmp_path, monkeypatch):
    need("namespaces", os.getuid())
    monkeypatch.setattr(probing.cgroup, "find", lambda: tmp_path / "none")
    found = run(probing.probe(("namespaces",), scratch=tmp_path))
    assert (found.label, found.cgroup) == ("strong (namespaces)", None)
    assert found.tried[0][0] == "namespaces in a cgroup"


@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is not installed")
def test_a_machine_without_user_namespaces_is_basic(tmp_path):
    need("namespaces", os.getuid())
    need("landlock", os.getuid())
    script = """
import asyncio, sys
from pathlib import Path
from engine.processes.confinement.probe import probe
found = asyncio.run(probe(scratch=Path(sys.argv[1])))
print(found.label)
for mechanism, why in found.tried: print(mechanism, why)
"""
    argv = [*WITHOUT_NAMESPACES, sys.executable, "-P", "-c", script, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True, cwd=tmp_path)
    label, *tried = done.stdout.splitlines()
    assert label.startswith("basic (Landlock ABI ")
    assert any(line.startswith("namespaces") and "making namespaces: No space left" in line for line in tried)
    assert any(line.startswith("bubblewrap") for line in tried)


def test_what_seatbelt_is_told_goes_from_the_outer_to_the_inner():
    spec = Spec("seatbelt", 0, 0, b"")
    spec.ports = [4000, 4001]
    spec.masked, spec.readable, spec.writable = [b"/home/u"], [b"/home/u/.pyenv"], [b'/home/u/repo/a "b"']
    lines = seatbelt.text(spec).splitlines()
    places = [
        next(at for at, line in enumerate(lines) if f'"{path}"' in line) for path in ("/home/u", "/home/u/.pyenv")
    ]
    assert places == sorted(places)
    assert '(allow file-read* file-write* (subpath "/home/u/repo/a \\"b\\""))' in lines
    assert all(f'(allow network-outbound (remote ip "localhost:{port}"))' in lines for port in spec.ports)


@pytest.mark.skipif(sys.platform == "darwin", reason="there it is")
def test_where_there_is_no_seatbelt_nothing_runs_in_it(tmp_path):
    with pytest.raises(Refused, match="this system has none"):
        seatbelt.Sandbox(Spec("seatbelt", 0, 0, b""))
    with place() as here, pytest.raises(NotConfined, match="this system has none"):
        run(Keeper.start("mac", records=tmp_path, cell=Cell(tier("seatbelt"), here.profile())))
