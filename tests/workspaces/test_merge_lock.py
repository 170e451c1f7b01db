"""The target advances under git's own lock on the index: nothing of a person's git comes in between, or is left over."""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from support.aio import run
from support.clones import Bench, bench
from support.repos import git, save, write

from workspaces.clones.clone import Identity
from workspaces.merge.advance import Advanced, Blocked, Moved, advance
from workspaces.merge.commit import Merge, commit
from workspaces.merge.lock import Index, Intent
from workspaces.merge.mend import mend
from workspaces.merge.trailers import TakenBack, Trailers

WHO = Identity("Pat", "pat@example.org")
NEW = {"a.txt": "2\n", "deep/new.txt": "n\n", "src/b.py": None}
ADVANCE = """
import asyncio, sys
from pathlib import Path
from workspaces.merge.advance import advance
from workspaces.repository import Repository

async def main():
    repo = await Repository.open(Path(sys.argv[1]))
    print("ready", flush=True)
    await advance(repo, "main", *sys.argv[2:])

asyncio.run(main())
"""


def next_of(b: Bench) -> tuple[str, str]:
    """The tip and a merge commit on it."""
    tree = b.attempt(NEW).tree
    merge = Merge(
        tree=tree, parent=b.tip, author=WHO, committer=WHO, message="Do it", trailer="R/T/1", at=1_800_000_000
    )
    return b.tip, run(commit(b.repo.git, merge))


def files(root: Path) -> dict[str, str]:
    """What a person sees: every file outside git's folder."""
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def slow(root: Path, pipe: Path) -> None:
    """Git stands still at each file it checks out until somebody has opened and closed the pipe."""
    os.mkfifo(pipe)
    where = shlex.quote(str(pipe))
    git(root, "config", "filter.slow.smudge", f"sh -c 'cat; [ ! -p {where} ] || read _ < {where} || true'")
    git(root, "config", "filter.slow.clean", "cat")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/attributes").write_text("deep/* filter=slow\n")


def meanwhile(b: Bench, tmp_path: Path, old: str, new: str, what: tuple[str, ...]) -> tuple[object, str]:
    """Advance, and let a person run a git while ours checks files out: our answer, and what theirs was told."""
    pipe = tmp_path / "pipe"
    slow(b.root, pipe)

    async def both() -> tuple[object, str]:
        ours = asyncio.create_task(advance(b.repo, "main", old, new))
        handle = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
        theirs = subprocess.run(("git", "-C", str(b.root), *what), capture_output=True, text=True, check=False)
        pipe.unlink()
        os.close(handle)
        return await ours, theirs.stderr

    return run(both())


def test_a_persons_git_can_not_come_in_between(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b)
    write(b.root, {"mine": "m\n"})
    answer, told = meanwhile(b, tmp_path, old, new, ("add", "mine"))
    assert "index.lock': File exists" in told
    assert answer == Advanced(new)
    assert git(b.root, "status", "--porcelain") == "?? mine"


def test_a_commit_that_lands_while_files_go_along_takes_them_back(tmp_path: Path) -> None:
    """As `git commit` does when it was begun before: it needs no lock any more, only the branch."""
    b = bench(tmp_path)
    old, new = next_of(b)
    theirs = git(b.root, "commit-tree", f"{old}^{{tree}}", "-p", old, "-m", "mine")
    before = files(b.root)
    answer, _ = meanwhile(b, tmp_path, old, new, ("update-ref", "refs/heads/main", theirs, old))
    assert answer == Moved(theirs)
    assert (files(b.root), git(b.root, "status", "--porcelain")) == (before, "")
    assert sorted(path.name for path in (b.root / ".git").glob("quarterdeck.*")) == []


def test_what_a_person_has_staged_just_before_stays_staged(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b)
    write(b.root, {"mine": "m\n"})
    git(b.root, "add", "mine")
    assert run(advance(b.repo, "main", old, new)) == Advanced(new)
    assert git(b.root, "status", "--porcelain") == "A  mine"


def left(b: Bench, old: str, new: str) -> Index:
    """The lock of an engine that is no more."""
    index = Index(b.root / ".git")
    with index.locked(Intent("main", old, new)):
        index.copy()
    return index


def test_a_lock_that_a_dead_engine_left_is_let_go(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b)
    index = left(b, old, new)
    assert index.lock.exists()
    assert run(advance(b.repo, "main", old, new)) == Advanced(new)
    assert not index.lock.exists()
    assert git(b.root, "status", "--porcelain") == ""


def test_files_that_went_along_already_go_back(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b)
    before = files(b.root)
    left(b, old, new)
    write(b.root, NEW)
    run(mend(b.repo, "main"))
    assert (files(b.root), git(b.root, "status", "--porcelain")) == (before, "")
    assert not (b.root / "deep").exists()
    assert run(advance(b.repo, "main", old, new)) == Advanced(new)


def test_a_branch_that_had_moved_takes_its_index_along(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b)
    index = left(b, old, new)
    env = {"GIT_INDEX_FILE": str(index.scratch)}
    run(b.repo.git.run("merge", "--ff-only", "-q", new, env=env))
    assert git(b.root, "status", "--porcelain") != ""
    run(mend(b.repo, "main"))
    assert (b.tip, git(b.root, "status", "--porcelain")) == (new, "")


def test_what_is_the_persons_is_kept_even_where_it_equals_ours(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b)
    write(b.root, {"deep/new.txt": "n\n", "src/b.py": "edited\n"})
    git(b.root, "config", "core.trustctime", "true")
    (b.root / "deep/new.txt").touch()
    wait_for_a_later_time_of_files(b.root)
    left(b, old, new)
    write(b.root, {"a.txt": "neither\n"})
    before = files(b.root)
    run(mend(b.repo, "main"))
    assert files(b.root) == before
    blocked = run(advance(b.repo, "main", old, new))
    assert isinstance(blocked, Blocked)
    assert set(blocked.paths) == {"a.txt", "src/b.py", "deep/new.txt"}
    assert files(b.root) == before


def wait_for_a_later_time_of_files(folder: Path) -> None:
    """File systems keep time in steps of some milliseconds."""
    probe = folder / ".git" / "probe"
    probe.touch()
    first = probe.stat().st_mtime_ns
    while probe.stat().st_mtime_ns == first:
        probe.touch()
    probe.unlink()


@pytest.mark.parametrize("content", [b"", b"DIRC\0\0\0\2", b"quarterdeck, not"])
def test_a_persons_lock_is_never_touched(tmp_path: Path, content: bytes) -> None:
    b = bench(tmp_path)
    old, new = next_of(b)
    lock = b.root / ".git/index.lock"
    lock.write_bytes(content)
    assert isinstance(run(advance(b.repo, "main", old, new)), Blocked)
    assert (lock.read_bytes(), b.tip) == (content, old)


def test_where_files_can_not_be_linked_the_lock_is_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    b = bench(tmp_path)
    old, new = next_of(b)
    index, intent = Index(b.root / ".git"), Intent("main", old, new)
    with index.locked(intent), pytest.raises(FileExistsError), index.locked(intent):
        pass
    with index.stale() as left_behind:
        assert left_behind == intent
    index.release()
    assert run(advance(b.repo, "main", old, new)) == Advanced(new)


def test_a_lock_in_use_is_waited_for(tmp_path: Path) -> None:
    b = bench(tmp_path)
    old, new = next_of(b)
    index = Index(b.root / ".git")
    with index.locked(Intent("main", old, new)) as handle:
        orphan = subprocess.Popen(("sleep", "60"), pass_fds=[handle])
    assert isinstance(run(advance(b.repo, "main", old, new)), Blocked)
    assert index.lock.exists()
    orphan.kill()
    orphan.wait()
    assert run(advance(b.repo, "main", old, new)) == Advanced(new)


@pytest.mark.parametrize("with_git", [True, False])
def test_killed_at_any_instant_the_next_one_finds_its_way(tmp_path: Path, with_git: bool) -> None:
    """With its git: all is dead at once. Without: the git goes on, and is waited for."""
    b = bench(tmp_path)
    dice = Random(1)
    old, new = next_of(b)
    locked = 0
    for _ in range(12):
        argv = (sys.executable, "-c", ADVANCE, str(b.root), old, new)
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(dice.uniform(0, 0.012))  # part of the fault; nothing is synchronised by it
        (os.killpg if with_git else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if with_git:
            locks_of_the_branch_go(b.root / ".git")
        locked += (b.root / ".git/index.lock").exists()
        deadline = time.monotonic() + 20
        while (answer := run(finished(b, old, new))) is None:
            assert time.monotonic() < deadline, run(advance(b.repo, "main", old, new))
        assert answer == Advanced(new)
        assert git(b.root, "status", "--porcelain") == ""
        assert not (b.root / ".git/index.lock").exists()
        git(b.root, "reset", "-q", "--hard", old)
    assert locked


def locks_of_the_branch_go(git_dir: Path) -> None:
    """A git killed in the moment in which it moves the branch leaves them, and they name nobody: the person's task."""
    for name in ("HEAD.lock", "ORIG_HEAD.lock", "refs/heads/main.lock"):
        (git_dir / name).unlink(missing_ok=True)


def test_a_commit_that_takes_a_merge_back_is_found_once(tmp_path: Path) -> None:
    """What becomes of an index from before the merge, when it is committed."""
    b = bench(tmp_path)
    old, new = next_of(b)
    run(advance(b.repo, "main", old, new))
    trailers = Trailers(b.repo.git)
    save(b.root, {"a.txt": "three\n"})
    save(b.root, {"a.txt": "2\n"})
    assert run(trailers.find(old, b.tip, "R/T/1")) == new
    assert trailers.taken_back() == []
    git(b.root, "read-tree", old)
    write(b.root, {"mine": "m\n"})
    git(b.root, "add", "mine")
    git(b.root, "commit", "-q", "-m", "mine")
    assert run(trailers.find(old, b.tip, "R/T/1")) == new
    assert trailers.taken_back() == [TakenBack(b.tip, new, "R/T/1")]
    save(b.root, {"other": "o\n"})
    assert run(trailers.find(old, b.tip, "R/T/1")) == new
    assert trailers.taken_back() == []


async def finished(b: Bench, old: str, new: str) -> Advanced | None:
    """What an engine does when it takes a merge up again; None while a git of the one before is at work."""
    await mend(b.repo, "main")
    answer = await advance(b.repo, "main", old, new)
    return answer if isinstance(answer, Advanced) and not (b.root / ".git/index.lock").exists() else None
