"""What an agent's clone differs in from a commit, as it stands, while the agent works in it.

Git runs inside and with a scratch folder for its git directory: objects are borrowed, the index is a copy. So nothing
of the agent's `.git` is written or believed (no hook, filter, fsmonitor or configuration of it runs), its lock is not
taken, and files that it has not added are seen all the same, as they will be when its work is taken in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workspaces.clones.bones import Bones
from workspaces.clones.scripts import ENVIRONMENT
from workspaces.clones.tree import why
from workspaces.diffs.make import FIXED, SHAPE
from workspaces.errors import NotSeen
from workspaces.ports import Inside
from workspaces.repository import Identity, Repository

SECONDS = 20.0
"""The longest a look may take."""
_WHO = Identity("look", "look@quarterdeck.invalid")

_LOOK = """
set -eu
base=$1 limit=$2 scratch=$3
shift 3
rm -rf "$scratch"
mkdir -p "$scratch/objects/info" "$scratch/refs" "$scratch/info"
trap 'rm -rf "$scratch"' EXIT
for part in .gitattributes .gitignore; do [ ! -p "$part" ] || { echo "$part is a pipe" >&2; exit 1; }; done
printf 'ref: refs/heads/main\\n' > "$scratch/HEAD"
printf '%s[core]\\n\\tcompression = 0\\n' "$BONES_CONFIG" > "$scratch/config"
printf '%s/.git/objects\\n%s' "$PWD" "$BONES_ALTERNATES" > "$scratch/objects/info/alternates"
[ ! -f .git/info/exclude ] || cp .git/info/exclude "$scratch/info/exclude"
# -p: git tells by the time of an index which files were written in the same moment as it, and reads those again
[ ! -f .git/index ] || cp -p .git/index "$scratch/index"
export GIT_DIR="$scratch" GIT_WORK_TREE="$PWD" GIT_OPTIONAL_LOCKS=0
git add -A </dev/null || { rm -f "$scratch/index" "$scratch/index.lock"; git read-tree "$base"; git add -A </dev/null; }
git "$@" "$base" -- > "$scratch/diff" </dev/null
wc -c < "$scratch/diff"
head -c "$limit" "$scratch/diff"
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A unified diff up to its last whole line that fits, and how many bytes of it are missing."""

    diff: bytes
    cut: int


async def look(
    repo: Repository, folder: Path, inside: Inside, *, base: str, limit: int, scratch: Path | None = None
) -> Seen:
    """Give the difference of the clone at `folder` to the commit `base`. Raises `NotSeen`.

    `scratch` is a folder that can be written inside, by default the one that the clone is in; a folder in it belongs to
    one look at a time.
    """
    bones = Bones.of(repo, _WHO)
    env = ENVIRONMENT | {"BONES_CONFIG": bones.config, "BONES_ALTERNATES": bones.alternates}
    place = (scratch or folder.parent) / f".look-{folder.name}"
    argv = ("sh", "-c", _LOOK, "look", base, str(limit), str(place), *FIXED, "diff-index", "--cached", *SHAPE)
    done = await inside(argv, cwd=folder, env=env, timeout=SECONDS, limit=limit + 4096)
    size, _, diff = done.out.partition(b"\n")
    if done.code != 0 or not size.strip().isdigit():
        raise NotSeen(folder, why(done))
    return _whole_lines(diff, int(size))


def _whole_lines(diff: bytes, size: int) -> Seen:
    kept = diff if len(diff) >= size else diff[: diff.rfind(b"\n") + 1]
    return Seen(kept, size - len(kept))
