"""A repository small enough to reason about: trees are maps of paths, the target is a list of commits.

It says truly what a real one would: whether two changes touch the same path, which tree a merge makes, who merged
what. It knows nothing of tasks beyond the trailer a commit carries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

from engine.core.guarded import Touch, guarded
from engine.core.values import Change, Side

Tree = frozenset[tuple[str, str]]
BASE: Tree = frozenset({(f"p{n}", "base") for n in range(6)})


def digest(value: object) -> str:
    """A short name for a value that is the same in every process."""
    return f"{crc32(repr(value).encode()):08x}"


def tree_id(tree: Tree) -> str:
    """The name of a tree."""
    return f"tree-{digest(sorted(tree))}"


@dataclass(frozen=True)
class Commit:
    """One commit of the target; a person's carries no trailer."""

    id: str
    tree: str
    parent: str
    trailer: str = ""


@dataclass
class Repository:
    """The objects, the target, and what a person does in their checkout."""

    trees: dict[str, Tree] = field(default_factory=dict)
    target: list[Commit] = field(default_factory=list)
    attempts: dict[str, tuple[Change, str]] = field(default_factory=dict)  # taken in: ref -> change, author
    edited: bool = False  # a person's own edits are in the way of every merge

    def __post_init__(self) -> None:
        self.target.append(Commit(id="c-base", tree=self.keep(BASE), parent=""))

    def keep(self, tree: Tree) -> str:
        """Store a tree; its name."""
        name = tree_id(tree)
        self.trees[name] = tree
        return name

    @property
    def tip(self) -> Commit:
        """Where the target stands."""
        return self.target[-1]

    def tree_of(self, commit: str) -> Tree:
        """The tree of a commit of the target."""
        return self.trees[next(made.tree for made in self.target if made.id == commit)]

    def change(self, base: Commit, edits: dict[str, str], salt: str) -> Change:
        """The change that an agent makes on top of `base`."""
        before = dict(self.trees[base.tree])
        after = before | edits
        patch = digest(sorted((path, before.get(path), text) for path, text in edits.items()))
        return Change(
            commit=f"a-{digest((base.id, sorted(edits.items()), salt))}",
            tree=self.keep(frozenset(after.items())),
            base=base.id,
            patch=f"patch-{patch}",
            files=tuple(sorted(edits)),
            added=len(edits),
            guarded=guarded(Touch(path, path) for path in edits),
        )

    def combine(self, change: Change, tip: Commit) -> str | tuple[Side, ...]:
        """The tree of both together, or the sides of the conflict."""
        base, theirs = dict(self.tree_of(change.base)), dict(self.trees[change.tree])
        ours = dict(self.trees[tip.tree])
        edits = {path: text for path, text in theirs.items() if base.get(path) != text}
        clashing = sorted(path for path, text in edits.items() if ours.get(path) not in {base.get(path), text})
        if clashing:
            return tuple(Side(path=path, ours=ours.get(path, ""), theirs=edits[path]) for path in clashing)
        return self.keep(frozenset((ours | edits).items()))

    def advance(self, expected: Commit, tree: str, trailer: str = "") -> Commit | None:
        """Compare and swap: the new commit, or None when the target has moved."""
        if self.tip.id != expected.id:
            return None
        made = Commit(id=f"m-{digest((expected.id, tree, trailer))}", tree=tree, parent=expected.id, trailer=trailer)
        self.target.append(made)
        return made

    def found(self, trailer: str) -> Commit | None:
        """The commit that carries a trailer."""
        return next((made for made in self.target if made.trailer == trailer), None)

    def person_commits(self, path: str, text: str) -> None:
        """A person commits to the target meanwhile."""
        tree = dict(self.trees[self.tip.tree]) | {path: text}
        self.advance(self.tip, self.keep(frozenset(tree.items())))
