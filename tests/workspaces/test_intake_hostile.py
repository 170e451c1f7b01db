"""What comes out of a clone may be anything. The person's repository takes only what is in order, and stays whole."""

from __future__ import annotations

import hashlib
import os
import shlex
import struct
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.aio import run
from support.clones import Bench, bench
from support.repos import clean_environment, git, healthy, make, save

from workspaces.clones import intake
from workspaces.clones.intake import Change, Refusal, receive
from workspaces.clones.packs import declared
from workspaces.clones.rescue import Begun
from workspaces.ports import Completed, Inside


class Lying:
    """An `Inside` whose clone answers with something else."""

    def __init__(self, true: Inside, answer: bytes) -> None:
        self.true, self.answer = true, answer

    async def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 60.0,
        limit: int = 64 * 1024 * 1024,
    ) -> Completed:
        await self.true(argv, cwd=cwd, env=env, stdin=stdin, timeout=timeout, limit=limit)
        return Completed(code=0, out=self.answer, err=b"")


def refused(b: Bench, answer: bytes) -> str:
    """The reason why an answer is refused; nothing names anything of it, and the repository is whole."""
    before, stored = git(b.root, "for-each-ref"), objects(b)
    b.clone._inside = Lying(b.inside, answer)
    taken = b.submit()
    assert isinstance(taken, Refusal), taken
    assert git(b.root, "for-each-ref") == before
    assert healthy(b.root)
    assert objects(b) == stored, "not even as unreachable ones"
    return taken.reason


def objects(b: Bench) -> set[str]:
    """Every file in the person's object store."""
    store = b.root / ".git" / "objects"
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()}


def ready(tmp_path: Path, files: Mapping[str, str | bytes | None] | None = None) -> Bench:
    b = bench(tmp_path)
    b.prepare()
    b.edit(files or {"a.txt": "2\n"})
    return b


def packed(folder: Path, commit: str, *without: str) -> bytes:
    """An honest answer for any commit of a clone."""
    wanted = "".join(f"{word}\n" for word in (commit, *(f"^{word}" for word in without)))
    pack = subprocess.run(
        ("git", "-C", str(folder), "pack-objects", "-q", "--revs", "--thin", "--stdout"),
        input=wanted.encode(),
        capture_output=True,
        check=True,
        env=clean_environment(),
    ).stdout
    return f"{commit}\n".encode() + pack


def honest(b: Bench) -> bytes:
    folder = b.clone.folder
    git(folder, "add", "-A")
    tree = git(folder, "write-tree")
    return packed(folder, commit_of(b, tree, b.tip), b.tip)


def commit_of(b: Bench, tree: str, *parents: str, name: str = "builder-1") -> str:
    """A commit written in the clone by plumbing, parents as told."""
    who = ("-c", f"user.name={name}", "-c", "user.email=builder-1@quarterdeck.invalid")
    words = [word for parent in parents for word in ("-p", parent)]
    return git(b.clone.folder, *who, "commit-tree", tree, *words, "-m", "x")


def pack_of(*objects: tuple[int, bytes], plain: bytes = b"") -> bytes:
    """A pack with raw objects of any content: 1 commit, 2 tree, 3 blob, 7 delta on the object named by `plain`."""
    out = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, content in objects:
        size, head = len(content) >> 4, kind << 4 | len(content) & 15
        while size:
            out += bytes([head | 0x80])
            head, size = size & 0x7F, size >> 7
        out += bytes([head]) + plain + zlib.compress(content)
    return out + hashlib.sha1(out).digest()


def name_of(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()


def crafted(b: Bench, *entries: tuple[str, str, bytes]) -> bytes:
    """An answer whose tree has raw entries (mode, name, content) that git would never write itself."""
    tree = b"".join(
        f"{mode} ".encode() + os.fsencode(name) + b"\0" + bytes.fromhex(name_of("blob", content))
        for mode, name, content in entries
    )
    who = "builder-1 <builder-1@quarterdeck.invalid> 1700000000 +0000"
    commit = f"tree {name_of('tree', tree)}\nparent {b.tip}\nauthor {who}\ncommitter {who}\n\nx\n".encode()
    blobs = [(3, content) for _, _, content in entries]
    return f"{name_of('commit', commit)}\n".encode() + pack_of((1, commit), (2, tree), *blobs)


def test_the_hand_made_packs_are_good_when_their_content_is(tmp_path: Path) -> None:
    b = ready(tmp_path)
    b.clone._inside = Lying(b.inside, crafted(b, ("100644", "fine", b"x")))
    assert isinstance(b.submit(), Change)


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("100644", ".git"),
        ("100644", ".GIT"),
        ("100644", ".g\u200cit"),
        ("100644", "git~1"),
        ("100644", ".."),
        ("100644", "."),
        ("100644", "a/b"),
        ("120000", ".gitmodules"),
    ],
)
def test_entries_that_would_leave_the_tree_or_become_git_s_own_are_refused(
    tmp_path: Path, mode: str, name: str
) -> None:
    b = ready(tmp_path)
    assert "git refuses the objects" in refused(b, crafted(b, (mode, name, b"x")))


def test_submodule_addresses_that_are_options_are_refused(tmp_path: Path) -> None:
    b = ready(tmp_path)
    evil = b'[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch /tmp/canary\n'
    assert "git refuses the objects" in refused(b, crafted(b, ("100644", ".gitmodules", evil)))


def test_names_twice_in_one_folder_are_refused(tmp_path: Path) -> None:
    b = ready(tmp_path)
    assert "git refuses" in refused(b, crafted(b, ("100644", "twice", b"x"), ("100644", "twice", b"y")))


@pytest.mark.parametrize(
    "answer", [b"", b"\n", b"HEAD\n", b"--help\n", b"x" * 40 + b"\n", b"a" * 40, b"A" * 40 + b"\n"]
)
def test_an_answer_without_a_commit_is_refused(tmp_path: Path, answer: bytes) -> None:
    refused(ready(tmp_path), answer)


def test_a_pack_cut_anywhere_is_refused(tmp_path: Path) -> None:
    b = ready(tmp_path, {"a.txt": os.urandom(500)})
    answer = honest(b)
    for cut in (41, 45, 53, 60, len(answer) // 2, len(answer) - 21, len(answer) - 1):
        assert "git refuses" in refused(b, answer[:cut])


def test_garbage_instead_of_a_pack_is_refused(tmp_path: Path) -> None:
    b = ready(tmp_path)
    commit = honest(b)[:41]
    for pack in (b"garbage", b"PACK", b"PACK\0\0\0\2\0\0\0\1garbage", b"PACK\0\0\0\2\xff\xff\xff\xff" + b"\0" * 50):
        assert "git refuses" in refused(b, commit + pack)


@pytest.mark.parametrize("more", [0, 150])
def test_a_pack_without_all_its_objects_is_refused(tmp_path: Path, more: int) -> None:
    b = ready(tmp_path)
    tree = b"100644 f\0" + bytes.fromhex(name_of("blob", b"content that is nowhere"))
    who = "builder-1 <builder-1@quarterdeck.invalid> 1700000000 +0000"
    commit = f"tree {name_of('tree', tree)}\nparent {b.tip}\nauthor {who}\ncommitter {who}\n\nx\n".encode()
    filler = [(3, f"{n}".encode()) for n in range(more)]
    answer = f"{name_of('commit', commit)}\n".encode() + pack_of((1, commit), (2, tree), *filler)
    assert "git refuses" in refused(b, answer)
    assert list((b.root / ".git" / "objects" / "pack").glob("*.pack")) == []


@pytest.mark.parametrize("shape", ["no parent", "older", "two parents", "two commits", "a foreign commit"])
def test_a_commit_that_does_not_stand_on_the_base_alone_is_refused(tmp_path: Path, shape: str) -> None:
    b = bench(tmp_path)
    older = b.tip
    save(b.root, {"second.txt": "2\n"})
    b.prepare()
    b.edit({"a.txt": "2\n"})
    folder = b.clone.folder
    git(folder, "add", "-A")
    tree = git(folder, "write-tree")
    parents = {"no parent": (), "older": (older,), "two parents": (b.tip, older)}.get(shape, (b.tip,))
    commit = commit_of(b, tree, *parents)
    if shape == "two commits":
        commit = commit_of(b, git(folder, "rev-parse", f"{older}^{{tree}}"), commit)
    answer = packed(folder, commit, b.tip)
    if shape == "a foreign commit":
        answer = older.encode() + answer[40:]
    assert "the commit stands on" in refused(b, answer)


def test_a_commit_under_another_name_is_refused(tmp_path: Path) -> None:
    b = ready(tmp_path)
    git(b.clone.folder, "add", "-A")
    commit = commit_of(b, git(b.clone.folder, "write-tree"), b.tip, name="Pat")
    assert "the commit is by Pat" in refused(b, packed(b.clone.folder, commit, b.tip))


def test_a_name_that_is_no_commit_is_refused(tmp_path: Path) -> None:
    b = ready(tmp_path)
    answer = honest(b)
    tree = git(b.clone.folder, "write-tree")
    refused(b, tree.encode() + answer[40:])
    refused(b, b"1" * 40 + answer[40:])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(41, 600), flip=st.integers(1, 255))
def test_a_flipped_byte_is_refused(tmp_path_factory: pytest.TempPathFactory, place: int, flip: int) -> None:
    b = ready(tmp_path_factory.mktemp("flip"), {"a.txt": os.urandom(600)})
    answer = bytearray(honest(b))
    answer[place] ^= flip
    taken = run(receive(b.repo.git, b.clone._aside, bytes(answer), base=b.tip, who=b.clone.who, limit=10**6))
    assert isinstance(taken, Refusal)


def test_what_was_refused_or_left_by_a_crash_does_not_slip_in_with_the_next_change(tmp_path: Path) -> None:
    b = ready(tmp_path)
    true = b.clone._inside
    evil = b'[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch /tmp/canary\n'
    refused(b, crafted(b, ("100644", ".gitmodules", evil)))
    aside = b.root / ".git" / "quarterdeck" / "intake" / "builder-1"
    assert (aside / name_of("blob", evil)[:2] / name_of("blob", evil)[2:]).exists(), "this is what must not get in"
    b.clone._inside = true
    assert isinstance(b.submit(), Change)
    assert healthy(b.root)
    assert [path for path in aside.rglob("*") if path.is_file()] == [aside / "info" / "alternates"]


def test_a_pack_that_would_fill_the_disk_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = ready(tmp_path)
    monkeypatch.setattr(intake, "UNPACKED", 1_000_000)
    assert "unpacks to more than 1000000 bytes" in refused(b, crafted(b, ("100644", "zeros", bytes(1_000_001))))
    copies = b"\x01" + b"\xff\xff\xff\xff\x7f"  # from one byte to 34 gigabytes
    delta = pack_of((7, copies), plain=bytes.fromhex(b.tip))
    assert "unpacks to more" in refused(b, f"{b.tip}\n".encode() + delta)


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("by_name", [True, False])
def test_sizes_are_declared_as_git_counts_them(tmp_path: Path, object_format: str, by_name: bool) -> None:
    text = "".join(f"line {number}\n" for number in range(5000))
    root = make(tmp_path / "r", {"big": text, "small": "s"}, f"--object-format={object_format}")
    save(root, {"big": text + "more\n", "bin": os.urandom(3_000_000)})
    names = git(root, "rev-list", "--objects", "--all", "--no-object-names").split()
    how = () if by_name else ("--delta-base-offset",)
    pack = subprocess.run(
        ("git", "-C", str(root), "pack-objects", "-q", "--stdout", *how),
        input="\n".join(names).encode(),
        capture_output=True,
        check=True,
        env=clean_environment(),
    ).stdout
    assert len(pack) < 3_000_000 + len(text), "with a delta in it"
    sizes = [int(git(root, "cat-file", "-s", name)) for name in names]
    assert declared(pack, len(names[0]) // 2, 10**9) == sum(sizes)


def test_nothing_planted_in_a_clone_runs_with_our_own_rights(tmp_path: Path) -> None:
    """Canaries tell who ran them: the person's git has a variable that nothing inside has."""
    b = bench(tmp_path)
    b.prepare()
    canary = tmp_path / "canary"
    script = tmp_path / "plant"
    script.write_text(f'#!/bin/sh\n[ -z "$OUR_OWN_RIGHTS" ] || echo "$0 $*" >> {shlex.quote(str(canary))}\ncat\n')
    script.chmod(0o755)
    folder = b.clone.folder
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "uploadpack.packObjectsHook"):
        git(folder, "config", key, str(script))
    for key in ("filter.x.clean", "filter.x.smudge", "diff.x.textconv", "diff.x.command", "merge.x.driver"):
        git(folder, "config", key, str(script))
    b.edit({".gitattributes": "* filter=x diff=x merge=x\n", "a.txt": "one\nmine\nthree\n"})
    for hook in (
        "pre-commit",
        "post-commit",
        "reference-transaction",
        "post-index-change",
        "post-checkout",
        "pre-push",
    ):
        b.edit({f".git/hooks/{hook}": script.read_bytes()})
        (folder / ".git" / "hooks" / hook).chmod(0o755)
    os.environ["OUR_OWN_RIGHTS"] = "1"
    try:
        change = b.change()
        save(b.root, {"a.txt": "one\nyours\nthree\n"})
        b.prepare(carry=change.commit)
        run(b.clone.keep(Begun(ref="refs/quarterdeck/kept/x", base=b.tip), "it was killed"))
        assert ".gitattributes" in change.files
        assert not canary.exists(), canary.read_text()
        git(folder, "config", "core.fsmonitor", str(script))
        git(folder, "status")
        assert canary.exists(), "a git of our own in there would have been caught"
    finally:
        del os.environ["OUR_OWN_RIGHTS"]


def test_a_forged_git_pointer_does_not_lead_us_anywhere(tmp_path: Path) -> None:
    b = bench(tmp_path)
    b.prepare()
    canary, fake = tmp_path / "canary", tmp_path / "fake"
    git(tmp_path, "clone", "-q", "--no-checkout", str(b.root), str(fake))
    evil = tmp_path / "evil"
    evil.write_text(f'#!/bin/sh\n[ -z "$OUR_OWN_RIGHTS" ] || touch {canary}\n')
    evil.chmod(0o755)
    git(fake, "config", "core.fsmonitor", str(evil))
    (b.clone.folder / ".git").rename(tmp_path / "away")
    (b.clone.folder / ".git").write_text(f"gitdir: {fake / '.git'}\n")
    os.environ["OUR_OWN_RIGHTS"] = "1"
    try:
        b.submit()
        b.prepare()
    finally:
        del os.environ["OUR_OWN_RIGHTS"]
    assert not canary.exists()
    assert healthy(b.root)
