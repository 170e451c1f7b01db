"""Ignored files that a project needs in every tree (`copies = [".env"]`), as an archive unpacked inside.

They go in through the confined script, not by our own hand: a link planted in the tree would lead our writing out.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from workspaces.errors import CopyRefused


def archive(root: Path, names: Sequence[str]) -> bytes:
    """Give a tar of those files and folders that exist, links in folders left out. Raises `CopyRefused`."""
    present = [name for name in names if _within(root, name).exists()]
    if not present:
        return b""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", dereference=False) as tar:
        for name in present:
            tar.add(_within(root, name), arcname=str(Path(name)), filter=_plain)
    return out.getvalue()


def packed(files: Mapping[str, bytes]) -> bytes:
    """A tar of these files, by their path; for their owner alone."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _within(root: Path, name: str) -> Path:
    path = (root / name).resolve()
    if Path(name).is_absolute() or ".." in Path(name).parts or not path.is_relative_to(root.resolve()):
        raise CopyRefused(name)
    return path


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry if entry.isfile() or entry.isdir() else None
