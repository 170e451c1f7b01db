"""A profile becomes an ordered list of mounts that says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.processes import wire
from engine.processes.confinement import cells, covering, inside, landlock
from engine.processes.confinement.mounts import ROOT_FROZEN, ROOT_HIDDEN, Op, operations
from engine.processes.confinement.profile import Profile
from engine.processes.confinement.tiers import Cell, Tier

HOME, SCRATCH = Path("/home/user"), Path("/home/user/repo/.quarterdeck/scratch/a")
CLONE = Path("/home/user/repo/.quarterdeck/clones/a")
REPO = Path("/home/user/repo")
USER = 1000


def profile(**more) -> Profile:
    known = {"home": SCRATCH / "home", "home_at": HOME, "tmp": SCRATCH / "tmp", "writable": (CLONE,)}
    return Profile(**(known | more))


def listed(given: Profile, uid: int = USER) -> list[tuple[str, str]]:
    return [(op.verb, op.target) for op in operations(given, uid=uid)]


def seen_at(given: Profile, path: str, uid: int = USER) -> str:
    """What the innermost mount makes of a path."""
    found = {op.target: op.verb for op in operations(given, uid=uid)}
    here = Path(path)
    return next((found[str(place)] for place in (here, *here.parents) if str(place) in found), "bind_ro")


def test_the_system_s_own_places_are_covered_for_everybody():
    found = listed(profile())
    assert {("proc", "/proc"), ("dev", "/dev"), ("tmpfs", "/run"), ("bind", "/tmp"), ("bind", "/var/tmp")} <= set(found)


def test_a_mount_comes_after_those_it_lies_in():
    found = [Path(target) for _, target in listed(profile(masked=(REPO,), readable=(HOME / ".pyenv/versions/3",)), 0)]
    for place, path in enumerate(found):
        assert not any(later in path.parents for later in found[place + 1 :])


def test_home_is_the_scratch_home_and_the_clone_is_writable_where_it_is():
    ops = operations(profile(masked=(REPO,)), uid=USER)
    assert Op("bind", str(SCRATCH / "home"), str(HOME)) in ops
    assert Op("bind", str(CLONE), str(CLONE)) in ops


def test_what_is_masked_in_home_is_covered_only_where_something_is_shown_in_it():
    given = profile(masked=(REPO, HOME / ".config/quarterdeck"))
    assert ("hide", str(REPO)) in listed(given)
    assert ("hide", str(HOME / ".config/quarterdeck")) not in listed(given)  # the agent's own HOME may have one


def test_masked_in_readable_in_masked_the_deepest_counts():
    data = Path("/data")
    given = profile(masked=(data, data / "shown/secret"), readable=(data / "shown",))
    assert seen_at(given, "/data/x") == "hide"
    assert seen_at(given, "/data/shown/x") == "bind_ro"
    assert seen_at(given, "/data/shown/secret/x") == "hide"


def test_of_one_path_shown_counts_before_masked_and_frozen_before_all():
    path = Path("/srv/data")
    assert seen_at(profile(masked=(path,), readable=(path,)), "/srv/data") == "bind_ro"
    assert seen_at(profile(masked=(path,), writable=(path,)), "/srv/data") == "bind"
    both = profile(masked=(path.parent,), writable=(path,), frozen=(path,))
    assert seen_at(both, "/srv/data") == "bind_ro"


def test_what_can_be_read_anyway_needs_no_mount():
    assert not [op for op in operations(profile(readable=(Path("/usr"),)), uid=USER) if op.target == "/usr"]


def test_an_alias_is_a_link_in_place_of_what_is_masked_unless_something_is_shown_there():
    given = profile(
        masked=(REPO,), readable=(REPO / "venv",), aliases=((REPO / "src", CLONE / "src"), (REPO / "venv", CLONE))
    )
    assert Op("link", str(CLONE / "src"), str(REPO / "src")) in operations(given, uid=USER)
    assert seen_at(given, str(REPO / "venv/bin")) == "bind_ro"


def test_root_gets_no_secrets_and_no_switches_of_the_kernel():
    found = listed(profile(), 0)
    assert {("freeze", path) for path in ROOT_FROZEN} <= set(found)
    hidden = {target for verb, target in found if verb == "hide"}
    assert set(ROOT_HIDDEN) <= hidden
    assert not {target for _, target in listed(profile())} & {*ROOT_FROZEN, *ROOT_HIDDEN}


names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=4).map(lambda parts: Path("/data", *parts))
sets = st.frozensets(paths, max_size=4)


@given(sets, sets, sets, sets, paths)
def test_every_path_is_what_the_deepest_word_about_it_says(readable, masked, writable, frozen, path):
    frozen = {place for place in frozen if any(above in writable for above in place.parents)}
    frozen = {place for place in frozen if _innermost(place, readable | masked | writable) in writable}
    given = profile(readable=tuple(readable), masked=tuple(masked), writable=tuple(writable), frozen=tuple(frozen))
    words = (("freeze", frozen), ("bind", writable), ("bind_ro", readable), ("hide", masked))
    expected = next((word for place in (path, *path.parents) for word, known in words if place in known), "bind_ro")
    assert access(seen_at(given, str(path))) == access(expected)


def _innermost(path: Path, among: frozenset[Path]) -> Path | None:
    return next((place for place in path.parents if place in among), None)


def access(verb: str) -> str:
    return {"freeze": "read", "bind_ro": "read", "hide": "none", "bind": "write"}[verb]


@given(sets, sets)
def test_without_mounts_the_same_can_be_read(readable, masked):
    """What Landlock allows, on a disk that has every path, is what is not masked."""
    tree = {Path("/data", *parts) for parts in _all()}
    found = {Path(place.decode()) for place in _visible(tree, readable, masked)}
    for path in (path for path in tree if len(path.parts) == 6):
        words = (("read", readable), ("none", masked))
        wanted = next((word for place in (path, *path.parents) for word, known in words if place in known), "read")
        assert any(path.is_relative_to(place) for place in found) == (wanted == "read")


def _all():
    level = [()]
    for _ in range(4):
        level = [(*parts, name) for parts in level for name in "abc"]
        yield from level


def _visible(tree, readable, masked):
    def children(path):
        return [item.name.encode() for item in tree if item.parent == Path(path.decode())]

    kept, landlock.os = landlock.os, type("Disk", (), {"listdir": staticmethod(children)})
    try:
        return list(landlock.visible(b"/data", [bytes(path) for path in masked], [bytes(path) for path in readable]))
    finally:
        landlock.os = kept


def test_a_cell_survives_its_way_to_the_keeper():
    given = profile(
        readable=(Path("/data/ünï\nname"),), masked=(Path("/data"),), processes=7, file_bytes=9, models=9000
    )
    cell = Cell(Tier(name="strong", mechanism="namespaces"), given)
    unpacker = wire.Unpacker()
    (frame,) = unpacker.feed(wire.pack(b"cell", *cells.encode(cell, uid=USER, cgroup=Path("/group"))))
    spec = inside.parse(frame[1:])
    assert (spec.mechanism, spec.processes, spec.file_bytes, spec.cgroup) == ("namespaces", 7, 9, b"/group")
    assert spec.ports == [3128, 9000]
    ops = [(verb, source.decode(), target.decode()) for verb, source, target in spec.operations]
    assert ops == [tuple(op) for op in operations(given, uid=USER)]
    assert spec.readable == [bytes(given.readable[0])]
    assert {bytes(HOME), b"/data", b"/tmp", b"/run"} <= set(spec.masked)


@pytest.mark.parametrize("fields", [[], [b"none"], [b"none", b"x", *[b"0"] * 7], [b"none", *[b"1"] * 3, b"5"]])
def test_a_frame_that_makes_no_sense_is_refused(fields):
    with pytest.raises(inside.Refused, match="could not be read"):
        inside.parse(fields)


def test_names_of_mounts_are_read_as_the_kernel_writes_them():
    assert covering.unescape(rb"/a\040b\134c") == rb"/a b\c"
