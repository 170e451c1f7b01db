"""Outboxes and inboxes as folders: what lies in one, what goes into one, and where refused drafts are kept.

Agents own these folders and may do anything in them; nothing here follows a link they planted, waits for a pipe, or
reads more than a draft may have. It neither parses nor decides.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import Final

from engine.messages import files
from engine.messages.envelope import Message, encode
from engine.messages.files import Found
from engine.messages.hostile import MOST_BYTES
from workspaces.watch.droppings import is_dropping

RESULT: Final = "result.json"
"""The adapter's file in an outbox; no draft."""
REFUSED: Final = "refused"
SEEN: Final = "seen"
MOST_DRAFTS: Final = 100
"""Drafts of one box read in one look; taking those away is itself a change, which brings the next look."""
LONGEST_NAME: Final = 200
"""Bytes kept of a refused draft's name; a name may have 255, and `.reason` has to fit behind it."""


def collect(outbox: Path) -> list[Found]:
    """The drafts that lie in an outbox, by name; at most `MOST_DRAFTS`, the rest come with the next look.

    Raises `OSError` when the outbox is no real folder; one that is gone holds nothing.
    """
    return files.look(outbox, _is_draft, limit=MOST_BYTES, most=MOST_DRAFTS)


def take(found: Found) -> bool:
    """Remove a draft that is recorded. False, and left where it is, when the sender has put another in its place."""
    try:
        with files.folder(found.path.parent) as here:
            now = os.stat(found.path.name, dir_fd=here, follow_symlinks=False)
            if (now.st_ino, now.st_size, now.st_mtime_ns) != (found.inode, found.size, found.mtime_ns):
                return False
            os.unlink(found.path.name, dir_fd=here)
    except FileNotFoundError:
        return True
    return True


def refuse(outbox: Path, path: Path, reason: str) -> Path:
    """Move a draft, whatever it is, to `refused/` with a `.reason` text beside it; where it is kept.

    Raises `FileNotFoundError` when it is gone.
    """
    with files.folder(outbox) as here:
        _own_folder(REFUSED, here)
        with files.folder(outbox / REFUSED) as refused:
            name = _free_name(path.name, refused)
            os.rename(path.name, name, src_dir_fd=here, dst_dir_fd=refused)
            files.write_new(f"{name}.reason", refused, f"{reason}\n".encode(errors="replace"))
    return outbox / REFUSED / name


def deliver(inbox: Path, message: Message) -> Path:
    """Put a message into an inbox, made when missing. Delivering twice is delivering once, seen or not."""
    name = f"{message.id}.json"
    with files.folder(inbox, create=True) as here:
        if not (_exists(name, here) or message.id in seen(inbox)):
            files.write_new(name, here, encode(message))
    return inbox / name


def seen(inbox: Path) -> list[str]:
    """Ids of the messages that the recipient moved to `seen/`, in the order of their time."""
    try:
        with files.folder(inbox / SEEN) as here:
            return sorted(name.removesuffix(".json") for name in files.names_in(here) if name.endswith(".json"))
    except OSError:  # none yet, or something that is no folder
        return []


class Seen:
    """The last `limit` message ids: a draft that comes twice is taken once."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, id: str) -> bool:  # noqa: A002  its name
        """Remember an id; False when it is known already."""
        if id in self._ids:
            self._ids.move_to_end(id)
            return False
        self._ids[id] = None
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)
        return True


def _is_draft(name: str) -> bool:
    return not is_dropping(name) and name not in (RESULT, REFUSED)


def _own_folder(name: str, here: int) -> None:
    """A real folder of this name: a link or a file that the agent put there is removed, for we write into it."""
    try:
        os.mkdir(name, 0o755, dir_fd=here)
    except FileExistsError:
        if not _is_folder(name, here):
            os.unlink(name, dir_fd=here)
            os.mkdir(name, 0o755, dir_fd=here)


def _is_folder(name: str, here: int) -> bool:
    try:
        os.close(os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here))
    except OSError:
        return False
    return True


def _exists(name: str, here: int) -> bool:
    try:
        os.stat(name, dir_fd=here, follow_symlinks=False)
    except OSError:
        return False
    return True


def _free_name(name: str, here: int) -> str:
    """The name, cut to fit, with a number when an earlier one of that name is kept."""
    short = os.fsdecode(os.fsencode(name)[:LONGEST_NAME])
    free, number = short, 1
    while _exists(free, here) or _exists(f"{free}.reason", here):
        number += 1
        free = f"{short}.{number}"
    return free
