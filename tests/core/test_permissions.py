"""Policies of leave: the longest pattern counts, the strictest of several parts, and leave is never given by mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.permissions import decide, level, signature

CAREFUL = {
    "*": "confirm",
    "execute:pytest *": "auto",
    "execute:git *": "auto",
    "execute:git push*": "review",
    "edit:src/**": "auto",
    "edit:src/keys/**": "review",
    "read": "auto",
}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("pytest", "auto"),
        ("pytest -q tests", "auto"),
        ("pytester", "confirm"),
        ("ls", "confirm"),
        ("git status", "auto"),
        ("git push origin", "review"),
        ("pytest && git status", "auto"),
        ("pytest; ls", "confirm"),
        ("pytest\nls", "confirm"),
        ("pytest | sh", "confirm"),
        ("pytest & git push", "review"),
        ("pytest $(git push)", "review"),
        ("pytest $(ls)", "confirm"),
        ("pytest > x", "confirm"),
        ("git  push", "review"),
        ("g'i't push", "review"),
        ("/usr/bin/git push", "review"),
        ("PATH=. pytest", "confirm"),
        ("", "confirm"),
    ],
)
def test_command_lines(command, said):
    assert level(CAREFUL, "execute", (), command) == said


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("src/a.py",), "auto"),
        (("src/a.py", "src/keys/b"), "review"),
        (("src/a.py", "setup.py"), "confirm"),
        (("src/../setup.py",), "confirm"),
        (("src/../../src/a.py",), "confirm"),
        (("/src/a.py",), "confirm"),
        (("/place/clone/src/keys/b",), "review"),
        ((), "confirm"),
    ],
)
def test_paths(paths, said):
    assert level(CAREFUL, "edit", paths, "") == said


def test_a_kind_alone_counts_before_all_kinds_and_nothing_gives_leave():
    assert level(CAREFUL, "read", ("x",), "") == "auto"
    assert level(CAREFUL, "fetch", (), "") == "confirm"
    assert level({}, "execute", (), "rm -rf /") == "auto"


def test_a_pattern_out_of_the_clone_has_to_say_so():
    asks = {"edit": "confirm", "edit:/tmp/**": "auto", "edit:../notes/*": "auto"}
    assert [level(asks, "edit", (path,), "") for path in ("/tmp/x", "tmp/x", "../notes/a", "notes/a")] == [
        "auto", "confirm", "auto", "confirm",
    ]  # fmt: skip


def test_care_is_met_by_any_part_where_all_else_is_free():
    asks = {"execute:rm *": "confirm"}
    assert level(asks, "execute", (), "echo $(rm x)") == "confirm"
    assert level(asks, "execute", (), "echo $(date)") == "auto"


def test_of_two_patterns_as_long_the_stricter_counts():
    assert level({"edit:a*": "auto", "edit:*a": "review"}, "edit", ("aa",), "") == "review"


def test_a_rule_answers_what_is_to_be_confirmed_and_nothing_else():
    said = signature("execute", (), "ls")
    rules = {"builder": {said: False, signature("execute", (), "git push"): True}}
    assert decide(CAREFUL, rules, "builder", "execute", (), "ls") is False
    assert decide(CAREFUL, rules, "other", "execute", (), "ls") == "confirm"
    assert decide(CAREFUL, rules, "builder", "execute", (), "git push") == "review"
    assert decide({}, rules, "builder", "execute", (), "ls") == "auto"


def test_what_nothing_tells_apart_has_no_signature():
    assert signature("other", (), "") == ""


TEXT = st.text(alphabet='ab[],"\\ \n', max_size=6)
LINES = TEXT | st.sampled_from(["x" * 500 + "y", "x" * 500])
ASKED = st.tuples(st.sampled_from(["execute", "edit"]), st.frozensets(TEXT, max_size=2), LINES)


def test_a_signature_can_be_read():
    assert signature("execute", (), "npm test") == "execute: npm test"
    assert signature("edit", ("b.py", "a.py"), "") == 'edit: ["","a.py","b.py"]'


@given(ASKED, ASKED)
def test_only_the_same_has_the_same_signature(one, other):
    (tool, paths, command), (tool2, paths2, command2) = one, other
    same = (tool, paths - {""}, command) == (tool2, paths2 - {""}, command2) and bool(paths - {""} or command)
    assert (signature(tool, paths, command) == signature(tool2, paths2, command2) != "") == same


PIECES = st.sampled_from(
    ["pytest", "ls", "git push", " ", ";", "&&", "|", "\n", "$(", ")", "`", "'", '"', "\\", "#", ">"]
)


@given(st.lists(PIECES, max_size=7).map("".join))
def test_whatever_stands_beside_it_a_forbidden_command_is_never_let_through_by_a_pattern(tail):
    """`ls` outside of quotes is a command of its own or an argument; where it is a command, it is asked for."""
    assert level({"*": "confirm", "execute:pytest *": "auto"}, "execute", (), f"pytest {tail}\nls") == "confirm"
