"""A name for a change that stays when the target moves under it.

Git's own patch-id ignores all white space, so that re-indenting a Python line would keep an old review valid. This one
keeps every byte of the lines and leaves out only what a moved base alters: blob names, hunk positions and headings.
"""

from __future__ import annotations

import hashlib

_MOVES = (b"similarity index ", b"dissimilarity index ")


def patch_id(diff: bytes) -> str:
    """Give the sha256 of a diff without positions, 64 hex digits. A binary file counts with its blob names."""
    digest = hashlib.sha256()
    index = b""
    for line in diff.split(b"\n"):
        if line.startswith(b"index "):
            index = line
        elif line.startswith(b"@@ "):
            digest.update(b"@@\n")
        elif not line.startswith(_MOVES):
            if line.startswith((b"Binary files ", b"GIT binary patch")):
                digest.update(index + b"\n")
            digest.update(line + b"\n")
    return digest.hexdigest()
