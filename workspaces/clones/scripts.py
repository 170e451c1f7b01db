"""The two things done inside a tree, each as one shell script in one call, with as few processes as git allows.

Every process costs about 2 ms, and a call under a keeper more. Nothing in here is trusted afterwards: the tree is the
agent's, and so is all that git reads in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from workspaces.clones.bones import Bones
from workspaces.git import QUIET
from workspaces.ports import Completed, Inside
from workspaces.repository import Identity

_SETTINGS = (*QUIET, "pack.threads=1", "core.attributesFile=/dev/null", "advice.addEmbeddedRepo=false")

ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",  # a clone has no remote to fetch contents from; pointers pass through unchanged
    "LC_ALL": "C",
    "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    **{f"GIT_CONFIG_KEY_{n}": setting.partition("=")[0] for n, setting in enumerate(_SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{n}": setting.partition("=")[2] for n, setting in enumerate(_SETTINGS)},
}

# A link planted in `.git` would lead our writing out, a pipe would never end. Such a clone is made anew.
_PLAIN = """
set -eu
odd() { printf '%s is not what git has there\\n' "$1" >&2; exit 1; }
for part in .git .git/objects .git/objects/info .git/objects/pack .git/refs; do
  [ -d "$part" ] && [ ! -L "$part" ] || odd "$part"
done
for part in .git/index .git/packed-refs .git/shallow; do
  [ ! -L "$part" ] && { [ ! -e "$part" ] || [ -f "$part" ]; } || odd "$part"
done
find . -name .git -prune -o -type p \\( -name .gitignore -o -name .gitattributes \\) -exec rm -f {} + 2>/dev/null || :
"""

_RESTORE = """
head=$1 tree=$2 clean=$3 exclude=$4 fresh=$5
shift 5
[ -n "$fresh" ] || rm -rf .git/HEAD .git/config .git/hooks .git/info .git/*.lock .git/rebase-merge \
  .git/rebase-apply .git/sequencer .git/MERGE_HEAD .git/CHERRY_PICK_HEAD .git/REVERT_HEAD .git/commondir \
  .git/objects/info/alternates
printf '%s\\n' "$head" > .git/HEAD
printf '%s' "$BONES_CONFIG" > .git/config
printf '%s' "$BONES_ALTERNATES" > .git/objects/info/alternates
compare=
[ -z "$clean" ] || [ -z "$fresh" ] || { compare=1; git read-tree "$tree" </dev/null; }
# First, as an untracked .gitattributes would have a say in how files are written.
[ -z "$clean" ] || git clean -q "-$clean" "$@" </dev/null
[ -z "$compare" ] || {
  # Compared by their bytes, whatever attributes say: what differs stays without times in the index, and is written.
  printf '* -text -ident -filter -working-tree-encoding\\n' > .git/info/attributes
  git update-index -q --refresh </dev/null >&2 || :
  : > .git/info/attributes
}
git read-tree --reset -u "$tree" </dev/null
case $clean in ""|*x*) ;; *) git clean -q "-$clean" "$@" </dev/null ;; esac  # by the .gitignore of this tree
[ -z "$exclude" ] || { [ -d .git/info ] || mkdir .git/info; printf '%s' "$exclude" > .git/info/exclude; tar -xf -; }
"""

_COLLECT = """
base=$1 limit=$2
[ ! -e .git/index.lock ] || rm -f .git/index.lock
git add -A </dev/null
tree=$(git write-tree)
commit=$(git commit-tree "$tree" -p "$base")
printf '%s\\n' "$commit"
printf '%s\\n^%s\\n' "$commit" "$base" | git pack-objects -q --revs --thin --delta-base-offset --stdout \
  | head -c "$limit"
"""


async def restore(
    inside: Inside,
    folder: Path,
    bones: Bones,
    *,
    head: str,
    tree: str,
    clean: str = "",
    fresh: bool = False,
    spare: Sequence[str] = (),
    exclude: Sequence[str] = (),
    archive: bytes = b"",
) -> Completed:
    """Bring index and files to exactly `tree`, with `head` as the commit they stand on.

    `fresh`: its git directory was made this moment, and without `clean` its files are to come. `clean` are the flags of
    `git clean`, `spare` ignored paths that it leaves; `archive` is a tar of copied files, kept out of git by `exclude`.
    """
    lines = "".join(f"/{name}\n" for name in exclude)
    env = ENVIRONMENT | {"BONES_CONFIG": bones.config, "BONES_ALTERNATES": bones.alternates}
    left = [word for name in spare for word in ("-e", _literally(name))]
    argv = ("sh", "-c", _PLAIN + _RESTORE, "restore", head, tree, clean, lines, "1" if fresh else "", *left)
    return await inside(argv, cwd=folder, env=env, stdin=archive, timeout=600.0)


def _literally(name: str) -> str:
    """A pattern of git's that means just this path from the root."""
    return "/" + re.sub(r"([*?\[\\ ])", r"\\\1", name)


async def collect(inside: Inside, folder: Path, *, base: str, who: Identity, message: str, limit: int) -> Completed:
    """Commit all that is there on top of `base`; the output is the commit's name, a newline, and a thin pack.

    A pack is cut one byte after `limit`, so that too large can be told from just fitting.
    """
    names = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", who.name), ("EMAIL", who.email))
    }
    argv = ("sh", "-c", _PLAIN + _COLLECT, "collect", base, str(limit + 1))
    return await inside(
        argv, cwd=folder, env=ENVIRONMENT | names, stdin=message.encode(), timeout=600.0, limit=limit + 4096
    )
