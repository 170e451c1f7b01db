"""All that a clone holds is kept, whatever the agent left in it: nothing of its git runs, and nothing is waited for."""

from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path

import pytest
from support.aio import run
from support.clones import Bench, bench
from support.repos import git, healthy, write

from workspaces.clones.intake import Empty, Refusal
from workspaces.clones.rescue import FILE, Begun, Kept, _program

REF = "refs/quarterdeck/kept/R/T/1-7"
START = {"a.txt": "one\n", "b.txt": "two\n", "src/c.py": "x = 1\n", ".gitignore": "*.log\nout/\n.env\n"}


@pytest.fixture
def work(tmp_path: Path) -> Bench:
    made = bench(tmp_path, START)
    made.prepare()
    return made


def begun(work: Bench, *, since: int = 0, ref: str = REF, tree: str = "", copies: tuple[str, ...] = ()) -> Begun:
    return Begun(ref=ref, base=work.tip, tree=tree, since=since, run="R", task="T", attempt=1, lease=7, copies=copies)


def now(work: Bench) -> int:
    """The moment at which an agent begins; the clock of files ticks every few milliseconds."""
    time.sleep(0.02)
    mark = work.root.parent / "mark"
    mark.touch()
    os.utime(mark)
    return mark.stat().st_ctime_ns


def keep(work: Bench, **given: object) -> Kept:
    found = run(work.clone.keep(begun(work, **given), "it was killed"))  # type: ignore[arg-type]
    assert isinstance(found, Kept), found
    assert not list(work.clone.folder.glob(".quarterdeck-*"))
    return found


def names(work: Bench, commit: str = REF) -> list[str]:
    return git(work.root, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")[:-1]


def left(kept: Kept) -> dict[str, str]:
    return dict(kept.left)


def test_staged_unstaged_committed_and_untracked_changes_are_kept(work):
    folder = work.clone.folder
    work.edit({"a.txt": "committed\n"})
    git(folder, "commit", "-qam", "mine")
    work.edit({"b.txt": "staged\n", "staged.txt": "s"})
    git(folder, "add", "-A")
    work.edit({"b.txt": "staged, then edited\n", "new/deep.txt": "untracked", "src/c.py": None})
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("/etc/passwd")
    kept = keep(work)
    assert names(work) == [".gitignore", "a.txt", "b.txt", "link", "new/deep.txt", "run.sh", "staged.txt"]
    assert git(work.root, "show", f"{REF}:b.txt") == "staged, then edited"
    assert git(work.root, "show", f"{REF}:a.txt") == "committed"
    assert git(work.root, "ls-tree", REF, "link", "run.sh").split()[::4] == ["120000", "100755"]
    assert git(work.root, "rev-parse", f"{REF}^") == work.tip
    assert (len(kept.files), kept.lost) == (7, 0)
    assert healthy(work.root)


def test_the_commit_says_whose_it_is_and_why(work):
    work.edit({"new.txt": "n\n"})
    keep(work)
    said = git(work.root, "log", "-1", "--format=%an%n%B", REF)
    assert said.startswith(
        "builder-1\nUnfinished work of builder-1 on T, attempt 1\n\nPut aside because it was killed."
    )
    assert '"why": "it was killed", "files": 1, "added": 1, "removed": 0' in said


def test_nothing_done_is_nothing_kept(work):
    assert run(work.clone.keep(begun(work), "it was killed")) == Empty()
    git(work.clone.folder, "commit", "-q", "--allow-empty", "-m", "idle")
    assert run(work.clone.keep(begun(work), "it was killed")) == Empty()
    assert git(work.root, "for-each-ref", "refs/quarterdeck/kept") == ""


def test_what_was_carried_over_is_no_work_of_this_round(tmp_path):
    work = bench(tmp_path, START)
    first = work.attempt({"a.txt": "first\n"})
    prepared = work.prepare(carry=first.commit)
    assert run(work.clone.keep(begun(work, tree=prepared.tree), "it was killed")) == Empty()
    work.edit({"b.txt": "more\n"})
    keep(work, tree=prepared.tree)
    assert git(work.root, "diff", "--name-only", work.tip, REF).split() == ["a.txt", "b.txt"]


def test_ignored_files_that_the_agent_made_are_kept_apart_but_no_copies_products_and_caches(tmp_path):
    work = bench(tmp_path, START | {".gitignore": "*.log\nout/\n.env\n__pycache__/\ntarget/\n"}, copies=(".env",))
    write(work.root, {".env": "secret\n"})
    work.prepare()
    work.edit({"out/setup.bin": "made by setup"})
    since = now(work)
    work.edit({
        "out/mine.bin": "mine", "run.log": "told", ".env": "changed", "__pycache__/x.pyc": "x",
        "target/CACHEDIR.TAG": "tag", "target/big.o": "o", "new.txt": "n\n",
    })  # fmt: skip
    kept = keep(work, since=since, copies=(".env",))
    assert kept.ignored == "refs/quarterdeck/ignored/R/T/1-7"
    assert names(work, kept.ignored) == ["out/mine.bin", "run.log"]
    assert kept.files == ("new.txt",)


def test_ignored_files_alone_are_kept_too(work):
    since = now(work)
    work.edit({"run.log": "told"})
    kept = keep(work, since=since)
    assert kept.files == (), kept
    assert names(work, kept.ignored) == ["run.log"]


def test_no_program_of_the_agents_runs_and_none_is_waited_for(work, tmp_path):
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 $* >> {ran}\nsleep 600\n")
    program.chmod(0o755)
    folder = work.clone.folder
    work.edit({"a.txt": "changed\n"})
    for name in ("filter.x.clean", "filter.x.process", "core.fsmonitor", "core.pager", "diff.external"):
        git(folder, "config", name, str(program))
    git(folder, "config", "filter.x.required", "true")
    work.edit({".gitattributes": "* filter=x\n", "sub/.gitattributes": "* filter=x working-tree-encoding=UTF-16\n"})
    write(folder / ".git" / "info", {"attributes": "* filter=x\n"})
    for hook in ("pre-commit", "post-index-change", "reference-transaction"):
        place = folder / ".git" / "hooks" / hook
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(program.read_bytes())
        place.chmod(0o755)
    began = time.monotonic()
    keep(work)
    assert time.monotonic() - began < 10
    assert not ran.exists()
    assert git(work.root, "show", f"{REF}:a.txt") == "changed"


def test_pipes_sockets_and_devices_are_left_out_and_said(work, monkeypatch):
    folder = work.clone.folder
    work.edit({"a.txt": None, "new.txt": "n"})
    for name in ("a.txt", ".gitattributes", "sub.fifo"):
        os.mkfifo(folder / name)
    (folder / "deep").mkdir()
    os.mkfifo(folder / "deep" / ".gitignore")
    with socket.socket(socket.AF_UNIX) as made:
        monkeypatch.chdir(folder)  # a socket's path must be short
        made.bind("sock")
        if os.geteuid() == 0:
            os.mknod(folder / "zero", stat.S_IFCHR | 0o600, os.makedev(1, 5))
        kept = keep(work)
    told = left(kept)
    assert told.pop("zero", "a device, not a file") == "a device, not a file"
    assert told == {
        "a.txt": "a pipe, not a file", ".gitattributes": "a pipe, not a file", "sub.fifo": "a pipe, not a file",
        "deep/.gitignore": "a pipe, not a file", "sock": "a socket, not a file",
    }  # fmt: skip
    assert kept.files == ("new.txt",)


@pytest.mark.parametrize("harm", ["lock", "index", "none", "file", "link", "pipe", "closed", "objects"])
def test_what_became_of_its_git_makes_no_difference(work, tmp_path, harm):
    dot = work.clone.folder / ".git"
    work.edit({"new.txt": "n"})
    match harm:
        case "lock":
            (dot / "index.lock").touch()
            (dot / "HEAD.lock").touch()
        case "index":
            (dot / "index").write_bytes(b"DIRC half")
        case "closed":
            dot.chmod(0)
        case "objects":
            os.mkfifo(dot / "objects" / "pack" / "pack-1.idx")
        case _:
            dot.rename(tmp_path / "away")
            if harm == "file":
                dot.write_text("gitdir: /nowhere\n")
            elif harm == "link":
                dot.symlink_to("/")
            elif harm == "pipe":
                os.mkfifo(dot)
    assert keep(work).files == ("new.txt",)


def test_repositories_inside_are_kept_without_their_history(work):
    inner = work.clone.folder / "inner"
    inner.mkdir()
    git(inner, "init", "-q", "--template=")
    (inner / "f.txt").write_text("f")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "inner")
    work.edit({"other/.GIT/config": "x", "third/.g\u200cit/config": "x", "third/x": "x"})
    kept = keep(work)
    assert kept.files == ("inner/f.txt", "third/x")
    assert set(left(kept)) == {"inner/.git", "other/.GIT", "third/.g?it"}


def test_what_is_too_large_is_left_out_and_the_rest_kept(work, monkeypatch):
    monkeypatch.setattr("workspaces.clones.rescue.TOTAL", 3_000)
    with (work.clone.folder / "huge").open("wb") as file:
        file.truncate(1 << 40)
    work.edit({"b.txt": "b" * 2_000, "small": "s" * 100, "middle": "m" * 700, "large": "l" * 900})
    kept = keep(work)
    assert set(kept.files) == {"b.txt", "small", "middle"}
    assert left(kept) == {
        "huge": f"{1 << 40} bytes, {FILE} at most",
        "large": "no room: all together is too large",
    }


def test_odd_names_are_kept(work):
    odd = ['quo"te', "new\nline", "tab\t", "back\\slash", "ümläut", " space ", "-dash", "a" * 200]
    for name in odd:
        (work.clone.folder / name).write_text("x")
    (work.clone.folder / os.fsdecode(b"\xff\xfe")).write_text("x")
    keep(work)
    assert {*odd, os.fsdecode(b"\xff\xfe")} <= set(names(work))


def test_a_file_where_a_folder_was_and_a_folder_where_a_file_was(work):
    work.edit({"src/c.py": None, "a.txt": None})
    (work.clone.folder / "src").rmdir()
    work.edit({"src": "now a file", "a.txt/inner": "now a folder"})
    keep(work)
    assert names(work) == [".gitignore", "a.txt/inner", "b.txt", "src"]


def test_what_git_refuses_to_take_does_not_keep_the_rest_out(work):
    work.edit({"new.txt": "n"})
    (work.clone.folder / ".gitmodules").symlink_to("a.txt")
    kept = keep(work)
    assert kept.files == ("new.txt",)
    assert ".gitmodules" in left(kept)


def test_one_more_of_the_same_ref_is_refused_and_the_first_stays(work):
    work.edit({"new.txt": "n"})
    first = keep(work)
    work.edit({"new.txt": "other"})
    with pytest.raises(Exception, match="exists already"):
        run(work.clone.keep(begun(work), "it was killed"))
    assert git(work.root, "rev-parse", REF) == first.commit


def test_many_files(work):
    for number in range(3_000):
        work.edit({f"many/{number % 50}/{number}": str(number)})
    assert len(keep(work).files) == 3_000
    assert healthy(work.root)


def test_another_object_format(tmp_path):
    work = bench(tmp_path, START, "--object-format=sha256")
    work.prepare()
    work.edit({"a.txt": "changed\n"})
    assert keep(work).files == ("a.txt",)


def test_what_the_agent_closed_to_itself_is_opened(work):
    work.edit({"shut/in/x.txt": "x", "blind/y.txt": "y", "secret.txt": "z"})
    folder = work.clone.folder
    (folder / "shut" / "in").chmod(0)
    (folder / "shut").chmod(0)
    (folder / "blind").chmod(0o400)
    (folder / "secret.txt").chmod(0)
    folder.chmod(0o555)
    assert set(keep(work).files) == {"shut/in/x.txt", "blind/y.txt", "secret.txt"}


def test_a_program_that_is_no_more_than_it_claims_is_not_believed(work, monkeypatch):
    """What comes out is checked like any work: another's commit is not taken as the agent's."""
    liar = f'import sys; sys.stdout.write(\'{{"commit": "{work.tip}", "aside": "", "left": [], "lost": 0}}\\n\')'
    monkeypatch.setattr("workspaces.clones.rescue._program", lambda: ("", liar))
    assert isinstance(run(work.clone.keep(begun(work), "it was killed")), Refusal)
    monkeypatch.setattr("workspaces.clones.rescue._program", lambda: ("", "print('no json')"))
    assert run(work.clone.keep(begun(work), "x")) == Refusal("what came out of the clone names no commit")


def test_the_program_needs_nothing_of_ours():
    source = "".join(_program())
    imported = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    ours = {line.split()[1] for line in imported if "workspaces" in line or "engine" in line}
    assert ours == {"workspaces.clones.inside_files"}


def test_touched_tells_a_change_and_is_quiet_without_one(work):
    since = now(work)
    assert not run(work.clone.touched(since))
    git(work.clone.folder, "status")
    assert not run(work.clone.touched(since))
    work.edit({"src/c.py": "changed"})
    assert run(work.clone.touched(since))


def test_touched_sees_a_deletion_and_a_time_that_was_set_back(work):
    since = now(work)
    (work.clone.folder / "src" / "c.py").unlink()
    assert run(work.clone.touched(since))
    work.prepare()
    since = now(work)
    work.edit({"a.txt": "new\n"})
    os.utime(work.clone.folder / "a.txt", (1, 1))
    assert run(work.clone.touched(since))


def test_what_can_not_be_kept_is_laid_aside_whole(work):
    work.edit({"new.txt": "n", "deep/er.txt": "d"})
    (work.clone.folder / "deep").chmod(0o500)
    place = run(work.clone.lay_aside())
    assert (place / "new.txt").read_text() == "n"
    assert (place / "deep" / "er.txt").exists()
    assert list(work.clone.folder.iterdir()) == []
    assert run(work.clone.lay_aside()).name == ".lost-builder-1-2"
    work.prepare()
    assert (work.clone.folder / "a.txt").read_text() == "one\n"
