"""Trees that an agent left are deleted, whatever was done to make that hard, and nothing else is."""

import os
import stat

import pytest

from workspaces.clones.removal import DEEPEST, opened, remove, remove_at


def dig(at, levels):
    """A nest whose path is longer than any that can be named."""
    at.mkdir()
    with opened(at) as handle:
        here = os.dup(handle)
    for _ in range(levels):
        os.mkdir("d" * 40, dir_fd=here)
        inner = os.open("d" * 40, os.O_RDONLY, dir_fd=here)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=inner))
        os.close(here)
        here = inner
    os.close(here)


@pytest.mark.parametrize("levels", [1, DEEPEST - 1, DEEPEST, DEEPEST + 1, 2 * DEEPEST + 1, 2000])
def test_a_nest_is_deleted_however_deep(levels, tmp_path):
    dig(tmp_path / "nest", levels)
    remove(tmp_path / "nest")
    assert list(tmp_path.iterdir()) == []


def test_closed_folders_are_opened_and_odd_files_are_files(tmp_path):
    tree = tmp_path / "tree"
    for closed in ("none", "only-read", "only-list"):
        (tree / closed / "inner").mkdir(parents=True)
        (tree / closed / "inner" / "file").write_text("text")
    os.mkfifo(tree / "pipe")
    for name in ("new\nline", "-rf", " ", os.fsdecode(b"\xff\xfe"), "x" * 255):
        (tree / name).write_text("text")
    for closed, mode in (("none", 0), ("only-read", stat.S_IRUSR), ("only-list", stat.S_IRUSR | stat.S_IXUSR)):
        (tree / closed / "inner").chmod(mode)
        (tree / closed).chmod(mode)
    tree.chmod(0)
    remove(tree)
    assert list(tmp_path.iterdir()) == []


def test_links_are_deleted_and_not_followed(tmp_path):
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    for folder in (outside, tree):
        folder.mkdir()
    (outside / "file").write_text("kept")
    (outside / "closed").mkdir(mode=0)
    for name, target in (
        ("away", outside),
        ("root", "/"),
        ("self", "."),
        ("none", "nothing"),
        ("file", outside / "file"),
    ):
        (tree / name).symlink_to(target)
    remove(tree)
    (tmp_path / "itself").symlink_to(outside)
    remove(tmp_path / "itself")
    assert list(tmp_path.iterdir()) == [outside]
    assert (outside / "file").read_text() == "kept"
    assert stat.S_IMODE((outside / "closed").stat().st_mode) == 0


def test_what_is_not_there_needs_no_deleting_unless_it_is_named_by_its_folder(tmp_path):
    remove(tmp_path / "nothing")
    remove(tmp_path / "nothing" / "at all")
    with opened(tmp_path) as folder, pytest.raises(FileNotFoundError):
        remove_at("nothing", folder)
