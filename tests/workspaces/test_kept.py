"""What was put aside: listed from refs alone, named, brought back as a branch that was free, and dropped in bounds."""

from __future__ import annotations

import pytest
from support.aio import run
from support.clones import Bench, bench
from support.repos import git

from workspaces.clones import kept
from workspaces.clones.rescue import Begun
from workspaces.errors import NoneKept


@pytest.fixture
def work(tmp_path):
    made = bench(tmp_path)
    made.prepare()
    return made


def put(work: Bench, task: str, number: int, lease: int, at: int = 0, **files: str) -> str:
    """Work of that round is kept; the ref."""
    work.edit({name.replace("_", "."): text for name, text in files.items()})
    ref = f"refs/quarterdeck/kept/R/{task}/{number}-{lease}"
    run(
        work.clone.keep(Begun(ref=ref, base=work.tip, run="R", task=task, attempt=number, lease=lease), "it was killed")
    )
    if at:
        said = git(work.root, "cat-file", "commit", ref)
        head, _, rest = said.partition("\ncommitter ")
        who, _, tail = rest.partition("\n")
        made = git(work.root, "hash-object", "-t", "commit", "-w", "--stdin",
                   stdin=f"{head}\ncommitter {who.rsplit(' ', 2)[0]} {at} +0000\n{tail}\n".encode())  # fmt: skip
        git(work.root, "update-ref", ref, made)
    return ref


def listed(work: Bench) -> list[kept.Kept]:
    return run(kept.listing(work.repo.git))


def test_nothing_is_kept_at_first(work):
    assert listed(work) == []


def test_each_says_whose_it_is_when_and_how_much_the_newest_first(work):
    put(work, "parse", 2, 9, at=1_000, new_txt="a\nb\n")
    put(work, "_", 1, 4, at=2_000, other_txt="o\n")
    newest, oldest = listed(work)
    assert (newest.task, newest.attempt, newest.at) == ("_", 1, 2_000.0)
    told = (oldest.agent, oldest.run, oldest.task, oldest.attempt, oldest.why, oldest.kind)
    assert told == ("builder-1", "R", "parse", 2, "it was killed", "work")
    assert (oldest.files, oldest.added, oldest.removed, oldest.base) == (1, 2, 0, work.tip)
    assert oldest.size > 0
    assert oldest.id == git(work.root, "rev-parse", oldest.ref)[:7]


def test_what_an_earlier_version_kept_is_listed_too(work):
    change = work.attempt({"a.txt": "changed\n", "n.txt": "n\n"})
    git(work.root, "update-ref", "refs/quarterdeck/kept/R/old/3-17", change.commit)
    (one,) = listed(work)
    assert (one.task, one.attempt, one.files, one.added, one.removed, one.why) == ("old", 3, 2, 2, 3, "")


def test_a_message_that_lies_is_told_as_far_as_it_has_the_right_form(work):
    tree = git(work.root, "rev-parse", "HEAD^{tree}")
    for number, text in enumerate(('{"files": "many"}', "{", '{"left": 3}', '{"ignored": "refs/heads/main"}')):
        made = git(work.root, "commit-tree", tree, "-p", "HEAD", "-m", f"x\n\nQuarterdeck-Kept: {text}")
        git(work.root, "update-ref", f"refs/quarterdeck/kept/R/t/1-{number}", made)
    assert {(one.files, one.left, one.ignored) for one in listed(work)} == {(0, (), "")}


def test_one_is_named_by_id_beginning_or_ref_and_nothing_else(work):
    ref = put(work, "parse", 1, 1, new_txt="n\n")
    (one,) = found = listed(work)
    for name in (one.id, one.commit, one.commit[:12].upper(), ref, one.commit[:4]):
        assert kept.named(found, name) == one
    for name in ("", "abc", "parse", "zzzzzzz", one.commit[:3]):
        with pytest.raises(NoneKept, match=one.id):
            kept.named(found, name)


def test_it_comes_back_as_a_branch_that_was_free(work):
    put(work, "parse", 1, 1, new_txt="n\n")
    (one,) = listed(work)
    assert run(kept.as_branch(work.repo.git, one)) == "quarterdeck/kept/parse-1"
    assert run(kept.as_branch(work.repo.git, one)) == "quarterdeck/kept/parse-1"  # it is there already
    assert git(work.root, "rev-parse", "quarterdeck/kept/parse-1") == one.commit
    put(work, "parse", 1, 2, more_txt="m\n")
    other = listed(work)[0] if listed(work)[0].commit != one.commit else listed(work)[1]
    assert run(kept.as_branch(work.repo.git, other)) == "quarterdeck/kept/parse-1-2"
    assert git(work.root, "rev-parse", "quarterdeck/kept/parse-1") == one.commit
    assert git(work.root, "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_too_old_too_many_and_too_much_go_the_oldest_first_but_not_what_is_spared(work):
    refs = [put(work, "t", number, number, at=1_000 * number, new_txt="x" * number) for number in range(1, 6)]
    found = listed(work)

    def gone(spared=(), **limits):
        rules = {"most": 0, "seconds": 0.0, "size": 0} | limits
        return [one.ref for one in kept.too_many(found, now=6_000, spared=spared, **rules)]

    assert gone() == []
    assert gone(most=3) == [refs[1], refs[0]]
    assert gone(seconds=3_500.0) == [refs[1], refs[0]]
    assert gone(size=found[0].size + found[1].size) == [refs[2], refs[1], refs[0]]
    assert gone(most=1, spared={refs[0], refs[2]}) == [refs[3], refs[1]]


def test_what_is_dropped_is_gone_with_what_git_ignored_beside_it(work):
    ref = put(work, "t", 1, 1, new_txt="x")
    (one,) = listed(work)
    run(kept.drop(work.repo.git, [one]))
    assert listed(work) == []
    assert git(work.root, "for-each-ref", ref) == ""
    run(kept.drop(work.repo.git, []))
