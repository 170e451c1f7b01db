"""Whatever files are called, a change names exactly those that differ: rules about paths rest on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.aio import run
from support.clones import bench

from workspaces.diffs.make import names

ODD = (
    *("tab\there", "line\nend", 'quo"te', "back\\slash", "space end ", " b/x", "a b/b b", "é", "-x", ":x", "*?[x]"),
    *("diff --git a/x b/x", "--- a/x", "@@ -1 +1 @@", "rename from x", "x b/x", "/dev/null"[1:], "bad\udcff"),
)


@pytest.mark.parametrize("content", [b"", b"text\n", b"no end", b"\0binary"], ids=["empty", "text", "open", "binary"])
def test_added_changed_moved_and_deleted_files_of_any_name_are_named(tmp_path: Path, content: bytes) -> None:
    b = bench(tmp_path)
    folder = b.clone.folder
    b.prepare()
    for name in ODD:
        for kind in ("added", "gone", "changed", "mode", "moved"):
            path = folder / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content + os.fsencode(f"{name} {kind}") if content else b"")
    first = b.change()
    b.prepare(first.commit)
    for name in ODD:
        (folder / "gone" / name).unlink()
        (folder / "changed" / name).write_bytes(content + b"other")
        (folder / "mode" / name).chmod(0o755)
        (folder / "moved" / name).rename(folder / "moved" / f"{name.replace('/', '-')} 2")
    second = b.change(first.commit)
    for change in (first, second):
        assert change.files == tuple(sorted(run(names(b.repo.git, change.base, change.tree))))
    assert len(second.files) >= 5 * len(ODD)
