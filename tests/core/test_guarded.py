"""Which changes act without anybody asking for it, and where links lead."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.globs import allowed, outside
from engine.core.guarded import MOST, Touch, guarded, named, ours, why_guarded

GUARDED = (
    *(".gitattributes", "docs/.gitattributes", ".gitmodules", ".lfsconfig", ".git/config", "vendor/.git"),
    *(".github/workflows/ci.yml", ".github/CODEOWNERS", "CODEOWNERS", ".gitlab-ci.yml", "Jenkinsfile"),
    *(".circleci/config.yml", ".githooks/pre-commit", "web/.husky/pre-push", ".pre-commit-config.yaml"),
    *("lefthook.yml", "lefthook.toml", ".lefthook-local.yml", ".mcp.json", ".vscode/tasks.json", "a/b/.vscode/x"),
    *(".idea/runConfigurations/x.xml", "all.code-workspace", ".dir-locals.el", ".exrc", ".claude/settings.json"),
    *(".codex/config.toml", ".gemini/x", ".cursor/rules/x.mdc", ".opencode/agent/x.md", "CLAUDE.md", "AGENTS.md"),
    *("src/AGENTS.md", "GEMINI.md", ".cursorrules", ".envrc", "tools/.envrc", ".devcontainer/Dockerfile"),
    *(".devcontainer.json", "mise.toml", ".mise.local.toml", "quarterdeck.toml", ".quarterdeck/tasks/x.md"),
)
NORMAL = (
    *("src/a.py", "Makefile", "conftest.py", "tests/conftest.py", "package.json", ".npmrc", "setup.py", "Dockerfile"),
    *(".gitignore", ".gitkeep", ".editorconfig", "README.md", "docs/agents.rst", "github/x", "src/.hidden", ".env"),
    *("hooks/pre-commit", "vscode/tasks.json", "quarterdeck.toml.md", "git", "claude/settings.json", "x.envrc", "..."),
)
SPELLINGS = (
    *(
        ".GitHub/workflows/ci.yml",
        ".GITATTRIBUTES",
        ".git\u200cattributes",
        ".gitattributes.",
        ".gitattributes ",
        "claude.MD",
    ),
    *(
        "QuarterDeck.TOML",
        ".ENVRC",
        "quarterdeck.toml::$DATA",
        ".g\u200fithub./x",
        "JENKINSFILE",
        ".Vscode. /tasks.json",
    ),
)


@pytest.mark.parametrize("path", GUARDED)
def test_what_acts_unasked_is_held_with_a_reason(path):
    assert why_guarded(path)
    (file,) = guarded([Touch("", path)])
    assert (file.path, file.why) == (path, why_guarded(path))


@pytest.mark.parametrize("path", NORMAL)
def test_what_runs_only_when_the_project_is_built_or_tested_is_not(path):
    assert why_guarded(path) == ""


@pytest.mark.parametrize("path", SPELLINGS)
def test_another_spelling_that_some_file_system_takes_for_the_same_is_held(path):
    assert why_guarded(path)


@pytest.mark.parametrize("touch", [Touch("notes.yml", ".github/x.yml"), Touch(".github/x.yml", "notes.yml")])
def test_both_names_of_a_rename_count(touch):
    assert [file.path for file in guarded([touch])] == [".github/x.yml"]


def test_a_file_that_goes_away_counts():
    assert [file.path for file in guarded([Touch(".pre-commit-config.yaml", "")])] == [".pre-commit-config.yaml"]


def test_a_submodule_counts_in_any_direction():
    moved, gone = Touch("lib", "lib", "160000", "160000"), Touch("old", "", "160000", "")
    assert [file.path for file in guarded([moved, gone])] == ["lib", "old"]


def link(path, target):
    return [file.why for file in guarded([Touch("", path, "", "120000", target)])]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a", "/etc/passwd"),
        ("a", ".."),
        ("a", "../x"),
        ("d/a", "../../x"),
        ("d/e/a", "./../../../x"),
        ("d/a", "b/../../../x"),
        ("a", "b/../c"),  # b may be a link to anywhere
        ("a", ".git/config"),
        ("d/a", "../.GIT/hooks"),
        ("a", "sub/.git"),
        ("a", ".quarterdeck/tasks"),
        ("a", None),
    ],
)
def test_a_link_that_leads_out_or_into_git_is_held(path, target):
    assert link(path, target)


@pytest.mark.parametrize(
    ("path", "target"),
    [("a", "b"), ("a", "./b"), ("a", "b/c"), ("d/a", "../b"), ("d/e/a", "../../b/c"), ("d/e/a", ".."), ("a", "b//c/")],
)
def test_a_link_that_stays_inside_is_nothing_special(path, target):
    assert link(path, target) == []


@given(
    st.lists(st.sampled_from("abc"), max_size=3),
    st.lists(st.sampled_from(["a", "b", "..", ".", ""]), max_size=7),
)
def test_no_link_that_is_let_through_leads_out_even_through_links_that_stay_inside(folders, steps):
    path, target = "/".join([*folders, "link"]), "/".join(steps)
    if not target or link(path, target):
        return
    assert not posixpath.isabs(target)
    at = list(folders)
    for step in steps:  # with every named step being a link to the root, the shallowest place there is
        at = at[:-1] if step == ".." and at else ["!"] if step == ".." else [] if step in {"a", "b"} else at
        assert at != ["!"], (path, target)


def test_the_person_s_own_hooks_folder_is_held_wherever_it_is():
    inside = ["tools/hooks/pre-commit", "Tools/hooks/a/b"]
    instead = ["tools/hooks", "tools"]  # as a link, or as a file that was one
    touches = [Touch("", name) for name in (*inside, *instead, "tools/x", "tools/hooksmith.py", "a/tools/hooks/x")]
    assert {file.path for file in guarded(touches, hooks="tools/hooks")} == {*inside, *instead}


def test_what_such_a_file_is_a_link_to_is_held_like_it():
    links = {"CLAUDE.md": "docs/agents.txt", ".claude/skills": "../skills", "b/.envrc": "../../out", "x": "y"}
    names = ["docs/agents.txt", "skills/a/b.md", "out", "y", "docs/other.txt", "docs", "skillset"]
    found = {file.path: file.why for file in guarded([Touch("", name) for name in names], links=links)}
    assert found == {
        "docs/agents.txt": "CLAUDE.md is a link to it",
        "docs": "CLAUDE.md is a link to it",  # instead of the folder
        "skills/a/b.md": ".claude/skills is a link to it",
    }


def test_what_the_person_has_named_beforehand_is_not_asked_again():
    touches = [Touch("", ".github/workflows/ci.yml"), Touch("", ".envrc")]
    assert [file.path for file in guarded(touches, given=(".github/**",))] == [".envrc"]


@pytest.mark.parametrize("glob", ["**", "**/*", ".g*/**", "*/workflows/*", ".[g]ithub/**"])
def test_a_glob_that_merely_takes_them_in_names_none(glob):
    touch = Touch("", ".github/workflows/ci.yml")
    assert allowed(touch.new, [glob])
    assert guarded([touch], given=(glob,))


def test_of_very_many_some_are_written_down():
    found = guarded([Touch("", f".github/{n:04}") for n in range(MOST + 50)])
    assert len(found) == MOST
    assert named(found, 2).endswith("and 98 or more others")


def test_few_are_named_by_their_reason():
    found = guarded([Touch("", ".github/a"), Touch("", ".github/b"), Touch("", ".envrc"), Touch("", ".mcp.json")])
    assert named(found) == (
        ".envrc (it runs when the folder is entered or opened); "
        ".github/a, .github/b (it runs on a push, where secrets are) and 1 other"
    )


def test_the_engine_s_own_folder_is_no_part_of_a_change():
    assert ours(["a.py", ".quarterdeck/tasks/x.md", ".QuarterDeck", "docs/.quarterdeck/x"]) == (
        ".quarterdeck/tasks/x.md",
        ".QuarterDeck",
    )


# -- globs ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("glob", "inside", "beyond"),
    [
        ("src/**", ["src/a", "src/a/b/c", "src/.x"], ["src", "srcs/a", "a/src/b", "SRC/a"]),
        ("**/*.py", ["a.py", "b/a.py", "b/c/a.py"], ["a.pyc", "b/a"]),
        ("*.md", ["a.md", ".md"], ["b/a.md"]),
        ("src/*", ["src/a"], ["src/a/b", "src"]),
        ("**", ["a", "a/b", ".x/y"], []),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/b/c", "b", "x/a/b"]),
        ("a/**/b/**/c", ["a/b/c", "a/x/b/b/y/c"], ["a/c", "a/b"]),
        ("docs", ["docs", "docs/a/b"], ["docs2", "a/docs"]),
        ("docs/", ["docs/a"], ["docs2/a"]),
        ("./src/**", ["src/a"], ["a"]),
        ("file?.[ch]", ["file1.c", "filex.h"], ["file.c", "file12.c", "file1.d"]),
        ("a/[!b]*", ["a/c", "a/cb"], ["a/b", "a/bc"]),
        ("", [], ["", "a"]),
        ("**/**", ["a", "a/b"], []),
    ],
)
def test_globs(glob, inside, beyond):
    assert outside(inside, [glob]) == ()
    assert outside(beyond, [glob]) == tuple(beyond)


def naive(names, parts):
    """What the walk is to say, by trying everything."""
    if not parts:
        return not names
    if parts[0] == "**":
        return any(naive(names[at:], parts[1:]) for at in range(len(names) + 1))
    return bool(names) and parts[0] in {names[0], "*"} and naive(names[1:], parts[1:])


@given(
    st.lists(st.sampled_from("ab"), min_size=1, max_size=6),
    st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=6).filter(lambda parts: parts[-1] != "**"),
)
def test_the_walk_over_a_glob_says_what_trying_everything_says(names, parts):
    literal = not {"*", "**"} & set(parts)
    expected = names[: len(parts)] == parts if literal else naive(names, parts)
    assert allowed("/".join(names), ["/".join(parts)]) == expected


@pytest.mark.timeout(5)
def test_no_glob_takes_forever():
    assert not allowed("/".join("a" * 400), ["**/a/" * 100 + "b"])
    assert not allowed("a" * 4_000, ["*a" * 200 + "b"])
