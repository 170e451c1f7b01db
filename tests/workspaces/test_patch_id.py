"""A change's name stays when the base moves, and changes with every byte that matters."""

from __future__ import annotations

from pathlib import Path

from support.aio import run
from support.repos import git, make, save

from workspaces.diffs.make import diff
from workspaces.diffs.patch import patch_id
from workspaces.git import Git

LINES = [f"line {n}\n" for n in range(60)]


def named(root: Path, base: str, other: str) -> str:
    return patch_id(run(diff(Git(root), base, other)))


def repo(tmp_path: Path) -> Path:
    return make(tmp_path / "r", {"f.py": "".join(LINES), "blob": b"\0" * 30})


def edit(number: int, text: str) -> str:
    return "".join([*LINES[:number], text, *LINES[number + 1 :]])


def test_it_survives_a_base_that_moved_above_it(tmp_path: Path) -> None:
    root = repo(tmp_path)
    base = git(root, "rev-parse", "HEAD")
    change = save(root, {"f.py": edit(50, "changed\n")})
    git(root, "checkout", "-q", "-b", "moved", base)
    moved = save(root, {"f.py": "new first line\n" + "".join(LINES), "other": "x\n"})
    again = save(root, {"f.py": "new first line\n" + edit(50, "changed\n")})
    assert named(root, base, change) == named(root, moved, again)


def test_white_space_is_part_of_it(tmp_path: Path) -> None:
    root = repo(tmp_path)
    base = git(root, "rev-parse", "HEAD")
    one = save(root, {"f.py": edit(5, "    return x\n")})
    two = save(root, {"f.py": edit(5, "        return x\n")})
    assert named(root, base, one) != named(root, base, two)


def test_a_binary_files_content_is_part_of_it(tmp_path: Path) -> None:
    root = repo(tmp_path)
    base = git(root, "rev-parse", "HEAD")
    one, two = save(root, {"blob": b"\0" * 31}), save(root, {"blob": b"\0" * 32})
    assert named(root, base, one) != named(root, base, two)


def test_a_mode_and_a_name_are_part_of_it(tmp_path: Path) -> None:
    root = repo(tmp_path)
    base = git(root, "rev-parse", "HEAD")
    names = {named(root, base, save(root, {name: "x\n"})) for name in ("n1", "n2")}
    (root / "f.py").chmod(0o755)
    names.add(named(root, base, save(root, {"f.py": "".join(LINES)})))
    assert len(names) == 3
