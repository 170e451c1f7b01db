"""What is made of a change once it is taken in: refused, written down, or held."""

from __future__ import annotations

import pytest
from support.by_hand import agent

from engine.core.guarded import MOST
from engine.runtime.hands.taken import FILES, recorded, refusal
from workspaces.clones.intake import Change
from workspaces.diffs.model import File, Hunk, Line


def change(*files: File) -> Change:
    names = {name for file in files for name in (file.old, file.new) if name}
    facts = {"commit": "c", "tree": "t", "base": "b", "patch": "p", "added": 1, "removed": 0, "diff": b""}
    return Change(files=tuple(sorted(names)), parsed=files, **facts)


def wrote(*names: str) -> Change:
    return change(*(File(None, name, "added", new_mode="100644") for name in names))


def link(target: str, old: str | None = None) -> File:
    lines = (Line("+", target, ended=False),)
    return File(old, "link", "added", new_mode="120000", hunks=(Hunk(0, 0, 1, 1, "", lines),))


def test_without_a_list_anything_is_handed_in():
    assert refusal(agent("ann"), wrote("a", "b/c", ".github/x")) == ""


def test_what_is_beyond_the_list_is_named_with_the_list():
    told = refusal(agent("ann", write=("src/**", "*.md")), wrote("src/a", "x.md", "setup.py", "docs/x.md"))
    assert told == (
        "it changes docs/x.md, setup.py, outside of what it may change (src/**, *.md); hand in the rest without"
    )


@pytest.mark.parametrize(
    "file",
    [
        File("src/a", "b", "renamed", "100644", "100644"),
        File("b", "src/a", "renamed", "100644", "100644"),
        File("b", None, "deleted", "100644"),
        File("b", "b", "modified", "100644", "100755"),
        File("b", "b", "modified", "160000", "160000"),
    ],
)
def test_both_names_deletions_and_modes_count(file):
    assert refusal(agent("ann", write=("src/**",)), change(file)).startswith("it changes b, outside")


def test_an_empty_list_allows_nothing_and_many_paths_are_counted():
    told = refusal(agent("ann", write=()), wrote(*(f"f{n:02}" for n in range(30))))
    assert told.endswith("f19 and 10 more, outside of what it may change (nothing); hand in the rest without")


@pytest.mark.parametrize("name", [".quarterdeck/tasks/mine.md", ".Quarterdeck/x", ".quarterdeck"])
def test_files_among_the_engine_s_own_are_refused_whatever_is_allowed(name):
    assert "Quarterdeck's own" in refusal(agent("ann", write=("**",)), wrote("a", name))


def test_guarded_files_are_found_behind_any_number_of_others():
    made = recorded(agent("ann"), wrote(*(f".a/{n:04}" for n in range(FILES + 50)), ".envrc"), source="plan")
    assert len(made.files) == FILES
    assert [file.path for file in made.guarded] == [".envrc"]


def test_no_more_are_written_down_than_fit():
    made = recorded(agent("ann"), wrote(*(f".github/{n:04}" for n in range(MOST * 3))), source="plan")
    assert len(made.guarded) == MOST


def test_a_link_is_judged_by_what_it_holds():
    assert recorded(agent("ann"), change(link("../x")), source="plan").guarded
    assert not recorded(agent("ann"), change(link("x")), source="plan").guarded


def test_a_link_that_only_moved_is_held_as_it_leads_elsewhere():
    moved = File("d/link", "link", "renamed", "120000", "120000")
    assert recorded(agent("ann"), change(moved), source="plan").guarded


def test_what_a_person_gave_beforehand_counts_for_tasks_of_people_only():
    spec = agent("ann", write=(".github/**",), given=(".github/**",))
    assert recorded(spec, wrote(".github/x"), source="plan").guarded == ()
    assert recorded(spec, wrote(".github/x"), source="planner").guarded
