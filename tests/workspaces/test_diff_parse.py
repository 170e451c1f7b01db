"""Diffs of real git, read back: every shape it writes, and random edits against the files themselves."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.aio import run
from support.repos import git, make, save

from workspaces.diffs.make import diff
from workspaces.diffs.model import File, Hunk, Line, numstat
from workspaces.diffs.parse import parse
from workspaces.errors import BadDiff
from workspaces.git import Git

BASE: dict[str, str | bytes | None] = {
    "a.txt": "one\ntwo\nthree\n",
    "bin": b"\0\1\2" * 50,
    "run.sh": "#!/bin/sh\n",
    "empty": "",
    "long.py": "def top():\n" + "".join(f"    line({n})\n" for n in range(40)),
}


def changed(root: Path, files: dict[str, str | bytes | None] | None = None) -> tuple[File, ...]:
    """Commit what was done and give the parsed difference."""
    save(root, files or {})
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "more")
    return parse(run(diff(Git(root), "main@{2}", "HEAD")))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "r", BASE)


def test_a_changed_line(root: Path) -> None:
    (file,) = changed(root, {"a.txt": "one\n2\nthree\n"})
    assert (file.old, file.new, file.status, file.old_mode, file.new_mode) == (
        "a.txt", "a.txt", "modified", "100644", "100644",
    )  # fmt: skip
    lines = (Line(" ", "one"), Line("-", "two"), Line("+", "2"), Line(" ", "three"))
    assert file.hunks == (Hunk(1, 3, 1, 3, "", lines),)
    assert numstat((file,)) == (1, 1)


def test_two_hunks_with_headings(root: Path) -> None:
    text = str(BASE["long.py"]).replace("line(5)", "line(five)").replace("line(30)", "line(thirty)")
    (file,) = changed(root, {"long.py": text})
    assert [(hunk.new_start, hunk.section) for hunk in file.hunks] == [(4, "def top():"), (29, "def top():")]
    added = [(number, line.text) for hunk in file.hunks for number, line in hunk.numbered() if line.kind == "+"]
    assert added == [(7, "    line(five)"), (32, "    line(thirty)")]


def test_added_and_deleted_files_empty_ones_too(root: Path) -> None:
    files = changed(root, {"new.txt": "x\n", "void": "", "a.txt": None, "empty": None})
    said = {file.path: (file.status, file.old_mode, file.new_mode, file.added, file.removed) for file in files}
    assert said.pop("new.txt") == ("added", None, "100644", 1, 0)
    assert said.pop("a.txt") == ("deleted", "100644", None, 0, 3)
    kinds = sorted((name, status) for name, (status, *_) in said.items())
    assert kinds in ([("empty", "deleted"), ("void", "added")], [("void", "renamed")])


def test_a_mode_alone(root: Path) -> None:
    (root / "run.sh").chmod(0o755)
    (file,) = changed(root)
    assert (file.path, file.status, file.old_mode, file.new_mode, file.hunks) == (
        "run.sh", "modified", "100644", "100755", (),
    )  # fmt: skip


def test_a_rename_with_an_edit(root: Path) -> None:
    git(root, "mv", "long.py", "moved to.py")
    (file,) = changed(root, {"moved to.py": str(BASE["long.py"]) + "end()\n"})
    assert (file.old, file.new, file.status, file.added) == ("long.py", "moved to.py", "renamed", 1)


def test_a_binary_file(root: Path) -> None:
    (file,) = changed(root, {"bin": b"\0\1\3" * 50})
    assert (file.path, file.binary, file.hunks, file.added) == ("bin", True, (), 0)


def test_a_file_that_becomes_a_link_is_a_deletion_and_an_addition(root: Path) -> None:
    (root / "a.txt").unlink()
    (root / "a.txt").symlink_to("/etc/passwd")
    gone, come = changed(root)
    assert (gone.status, gone.old_mode, gone.new_mode) == ("deleted", "100644", None)
    assert (come.status, come.old_mode, come.new_mode) == ("added", None, "120000")
    assert come.hunks[0].lines == (Line("+", "/etc/passwd", ended=False),)


def test_a_missing_newline_at_either_end(root: Path) -> None:
    (file,) = changed(root, {"a.txt": "one\ntwo\nthree"})
    assert file.hunks[0].lines[-2:] == (Line("-", "three"), Line("+", "three", ended=False))


NAMES = [
    "with space",
    "tab\there",
    "new\nline",
    'quote"d',
    "back\\slash",
    "uni é ☃",
    " b/ a/ ",
    "a b b",
    "-dash",
    "x\t ",
]


@pytest.mark.parametrize("content", ["text of {}\n", "", "\0\1{}"])
def test_odd_names(root: Path, content: str) -> None:
    files = changed(root, {f"d/{name}": content.format(name) for name in NAMES})
    assert {(file.old, file.new) for file in files} == {(None, f"d/{name}") for name in NAMES}
    for name in NAMES:
        (root / "d" / name).rename(root / "d" / f"{name}2")
    files = changed(root)
    if content:
        assert {(file.old, file.new) for file in files} == {(f"d/{name}", f"d/{name}2") for name in NAMES}
    else:
        assert {file.new for file in files} >= {f"d/{name}2" for name in NAMES}


def test_a_name_that_is_no_text_is_shown_escaped(root: Path) -> None:
    (root / os.fsdecode(b"\xff.txt")).write_text("x\n")
    (file,) = changed(root)
    assert file.path == "\\xff.txt"
    file.path.encode()  # fit for JSON


def test_lines_that_look_like_headers(root: Path) -> None:
    nasty = "-- a/x\n++ b/x\ndiff --git a/x b/x\n@@ -1 +1 @@\n\\ No newline at end of file\nindex 1..2\n"
    save(root, {"a.txt": nasty})
    (file,) = changed(root, {"a.txt": "one\n"})
    assert [line.text for line in file.hunks[0].lines if line.kind == "-"] == nasty.splitlines()


def test_a_submodules_new_commit(root: Path) -> None:
    tip = git(root, "rev-parse", "HEAD")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{tip},sub")
    git(root, "commit", "-q", "-m", "link")
    (file,) = parse(run(diff(Git(root), "HEAD^", "HEAD")))
    assert (file.path, file.status, file.new_mode) == ("sub", "added", "160000")


def test_configuration_of_the_person_does_not_bend_it(root: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for key, value in {
        "diff.noprefix": "true",
        "diff.external": f"touch {canary}",
        "diff.context": "0",
        "color.ui": "always",
        "diff.suppressBlankEmpty": "true",
        "core.quotePath": "false",
        "diff.x.textconv": f"touch {canary}; cat",
        "diff.x.command": f"touch {canary}",
    }.items():
        git(root, "config", key, value)
    save(root, {".gitattributes": "*.txt diff=x\n", "a.txt": "one\n\nthree\n"})
    (file,) = changed(root, {"a.txt": "one\n\n3\n"})
    assert file.hunks[0].lines[:2] == (Line(" ", "one"), Line(" ", ""))
    assert not canary.exists()


def test_nothing_changed() -> None:
    assert parse(b"") == ()


@pytest.mark.parametrize(
    ("diff_text", "line"),
    [
        (b"hello\n", 1),
        (b"diff --git a/x b/x\nwhat is this\n", 2),
        (b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ nonsense @@\n", 4),
        (b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n", 6),
        (b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n?a\n", 5),
    ],
)
def test_what_git_does_not_write_is_refused_by_line(diff_text: bytes, line: int) -> None:
    with pytest.raises(BadDiff) as caught:
        parse(diff_text)
    assert caught.value.line == line


words = st.lists(st.sampled_from(["a", "b", "-- a", "++ b", "@@ -1 +1 @@", "", "diff --git", " x"]), max_size=12)
contents = st.none() | st.builds(
    lambda lines, ended: "\n".join(lines) + ("\n" if ended and lines else ""), words, st.booleans()
)


def rebuilt(file: File, old: str) -> str:
    """What a person applying the hunks by hand would get."""
    lines = old.splitlines(keepends=True)
    out: list[str] = []
    position = 0
    for hunk in file.hunks:
        start = hunk.old_start - (1 if hunk.old_count else 0)
        out += lines[position:start]
        position = start
        for line in hunk.lines:
            text = line.text + ("\n" if line.ended else "")
            if line.kind != "+":
                assert lines[position] == text
                position += 1
            if line.kind != "-":
                out.append(text)
    return "".join(out + lines[position:])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.dictionaries(st.sampled_from("pqr"), contents, min_size=3), after=st.tuples(contents, contents, contents)
)
def test_random_edits_can_be_redone_from_the_diff(before: dict[str, str | None], after: tuple[str | None, ...]) -> None:
    old = {name: text for name, text in before.items() if text is not None}
    new = {name: text for name, text in zip("pqr", after, strict=True) if text is not None}
    with tempfile.TemporaryDirectory() as folder:
        tool = Git(make(Path(folder), {"keep": "x"}))
        trees = [run(_tree(tool, files)) for files in (old, new)]
        files = parse(run(diff(tool, *trees)))
    result = dict(old)
    for file in files:
        text = result.get(file.old or "", "")
        if file.old is not None and file.status != "copied":
            result.pop(file.old, None)
        if file.new is not None:
            result[file.new] = rebuilt(file, old[file.old] if file.old else text)
    assert result == new


async def _tree(tool: Git, files: dict[str, str]) -> str:
    listing = ""
    for name, text in files.items():
        blob = (await tool.run("hash-object", "-w", "--stdin", stdin=text.encode() or b"")).decode().strip()
        listing += f"100644 blob {blob}\t{name}\n"
    return (await tool.run("mktree", stdin=listing.encode())).decode().strip()
