"""Which names in a watched folder are not meant for us: what editors and half-done writes leave lying about.

The rule is on names alone, so the watcher and whoever lists a folder agree without asking the disk. Anything hidden
is passed over, which covers swap files (`.x.swp`), lock links (`.#x`), and files written aside before a rename.
"""

from __future__ import annotations

_VIM_PROBE = "4913"
"""vim creates and removes a file of this name (then 5036, ...) to learn whether it may write in a folder."""


def is_dropping(name: str) -> bool:
    """True for a file name (no folder before it) that is never a task, a draft or a result."""
    return (
        name.startswith(".")
        or name.endswith("~")
        or (name.startswith("#") and name.endswith("#"))
        or _is_vim_probe(name)
    )


def _is_vim_probe(name: str) -> bool:
    """4913, and what vim tries next when that name is taken: 123 more each time."""
    if not (name.isascii() and name.isdigit() and len(name) <= 6):
        return False
    return int(name) >= int(_VIM_PROBE) and (int(name) - int(_VIM_PROBE)) % 123 == 0
