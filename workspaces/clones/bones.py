"""The little that makes a folder a clone: what `git clone --shared --no-checkout` leaves, without remote and templates.

Written by hand, since it is four files, and written again before every use: the agent owns the folder and may have
changed them. Objects are borrowed from the person's repository, which the agent can not write when confined.
"""

from __future__ import annotations

import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from workspaces.clones.removal import remove
from workspaces.repository import Identity, Repository

_DARWIN = "\tignorecase = true\n\tprecomposeunicode = true\n"


@dataclass(frozen=True, slots=True)
class Bones:
    """Contents of a clone's `config`, `objects/info/alternates` and, for a shallow repository, `shallow`."""

    config: str
    alternates: str
    shallow: bytes

    @staticmethod
    def of(repo: Repository, who: Identity) -> Bones:
        """What clones of `repo` consist of, with `who` as the name under which the agent commits."""
        shallow = repo.common_dir / "shallow"
        return Bones(
            _config(repo.object_format, who),
            f"{repo.common_dir / 'objects'}\n",
            shallow.read_bytes() if shallow.exists() else b"",
        )

    def make(self, folder: Path) -> None:
        """Turn a folder, made if missing, into a clone with nothing checked out."""
        git = folder / ".git"
        for part in ("objects/info", "objects/pack", "refs/heads", "info"):
            (git / part).mkdir(parents=True)
        (git / "HEAD").write_text("ref: refs/heads/main\n")
        (git / "config").write_text(self.config)
        (git / "objects" / "info" / "alternates").write_text(self.alternates)
        if self.shallow:
            (git / "shallow").write_bytes(self.shallow)

    def renew(self, folder: Path) -> None:
        """Make a clone's git directory anew, and leave its files."""
        remove(folder / ".git")
        self.make(folder)


def _config(object_format: str, who: Identity) -> str:
    sha256 = object_format != "sha1"
    return (
        f"[core]\n\trepositoryformatversion = {int(sha256)}\n\tfilemode = true\n\tbare = false\n"
        + (_DARWIN if sys.platform == "darwin" else "")
        + (f"[extensions]\n\tobjectformat = {object_format}\n" if sha256 else "")
        + "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
        + f'[user]\n\tname = "{who.name}"\n\temail = "{who.email}"\n'
    )


def empty(folder: Path) -> None:
    """Delete all that is in a folder, which is made if it is missing, or is none."""
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        folder.mkdir(parents=True)
    folder.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    for entry in list(folder.iterdir()):
        remove(entry)


def move_out(folder: Path) -> Path:
    """Move all that is in a folder to a new one beside it, and give that. Only names change; nothing is read."""
    number = sum(1 for path in folder.parent.glob(f".lost-{folder.name}-*")) + 1
    while (place := folder.with_name(f".lost-{folder.name}-{number}")).exists():
        number += 1
    place.mkdir(mode=stat.S_IRWXU)
    folder.chmod(stat.S_IRWXU)
    for entry in list(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            entry.chmod(stat.S_IRWXU)  # else its `..` could not be written
        entry.rename(place / entry.name)
    return place
