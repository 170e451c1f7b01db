"""A person edits, commits and checks out while agents work: nothing of theirs is touched, and the run finds its way."""

from support.engines import task

EDIT_A = "write('a.txt', read('a.txt').replace('two', 'agreed'))"


def test_edits_elsewhere_are_kept_and_commits_meanwhile_are_built_upon(place):
    place.project(["sh check.sh"])
    place.commit({"check.sh": "echo ok\n"})
    (place.root / "src" / "b.py").write_text("x = 2  # mine, not committed\n")
    (place.root / "scratch").write_text("mine too\n")
    gate = place.gate("working")
    place.start([task("it", f"pause_at('working'); {EDIT_A}")], pattern="solo")
    notice = place.until("notice_given")["data"]["text"]
    assert notice == "2 uncommitted files are not seen by agents: src/b.py, scratch"
    standing = place.arrive(gate)
    mine = place.commit({"c.txt": "committed while it worked\n"})
    place.release(standing)
    assert place.end()["data"]["outcome"] == "verified"
    assert place.git("rev-parse", "main^") == mine
    assert (place.root / "a.txt").read_text() == "one\nagreed\nthree\n"  # the checkout went along
    assert place.git("status", "--porcelain") == " M src/b.py\n?? scratch"
    assert (place.root / "src" / "b.py").read_text() == "x = 2  # mine, not committed\n"


def test_a_merge_waits_for_the_persons_edits_and_goes_on_by_itself(place):
    """Edited, then new and untracked, both in the way; the second one in a folder that git shows as one entry."""
    place.project()
    place.write({"a.txt": "one\nmine\nthree\n"})
    before = place.git("rev-parse", "main")
    place.start([task("it", f"{EDIT_A}; write('new/b.txt', 'b')"), task("other")], pattern="solo")
    rest = place.end()
    waiting = place.of("merge_waiting", task="it")[0]["data"]
    assert waiting["paths"] == ["a.txt"]
    assert rest["data"]["outcome"] == "needs_human"
    assert "it waits to be merged" in rest["data"]["reason"]
    shown = place.status("tasks", "it")
    assert (shown["state"], "a.txt" in shown["evidence"] or "edits" in shown["evidence"]) == ("needs_human", True)
    assert place.git("diff", "--name-only", before, "main") == "other.txt"
    assert (place.root / "a.txt").read_text() == "one\nmine\nthree\n"

    place.write({"new/b.txt": "mine\n"})
    place.git("checkout", "a.txt")
    second = place.until("merge_waiting", task="it", paths=["new/b.txt"])
    rested = place.end(after=second["seq"])
    (place.root / "new" / "b.txt").unlink()
    assert place.end(after=rested["seq"])["data"]["outcome"] == "verified"
    assert len(place.of("merge_waiting")) == 2  # it did not ask again and again
    assert (place.root / "new" / "b.txt").read_text() == "b"
    assert [e["data"]["parent"] for e in place.of("merge_done", task="it")] == [place.git("rev-parse", "main^")]


def test_what_the_person_commits_in_the_way_becomes_a_conflict_for_the_author(place):
    place.project()
    place.write({"a.txt": "one\nmine\nthree\n"})
    again = f"{EDIT_A} if attempt == 1 else write('a.txt', 'both\\n')"
    place.start([task("it", again)], pattern="solo")
    waited = place.end()
    mine = place.commit({"a.txt": "one\nmine\nthree\n"})
    assert place.end(after=waited["seq"])["data"]["outcome"] == "verified"
    sides = place.told("it", 2)["feedback"][0]["sides"]
    assert sides == [{"path": "a.txt", "ours": "one\nmine\nthree\n", "theirs": "one\nagreed\nthree\n"}]
    assert place.git("rev-parse", "main^") == mine
    assert place.show("a.txt") == "both"


def test_a_commit_that_takes_a_merge_back_is_told(place):
    """Not undone, and not merged again: it may be meant. The next merge is built on what is there."""
    place.project()
    gate = place.gate("working")
    place.start([task("it", EDIT_A), task("next", "pause_at('working'); write('n.txt', 'n')")], pattern="solo")
    standing = place.arrive(gate)
    merged = place.until("merge_done", task="it")["data"]["commit"]
    mine = place.commit({"a.txt": "one\ntwo\nthree\n"})
    place.release(standing)
    assert place.end()["data"]["outcome"] == "verified"
    told = f"it: commit {mine[:12]} takes back what was merged for it in {merged[:12]}"
    assert [event["data"]["text"].startswith(told) for event in place.of("notice_given")] == [True]
    assert place.git("rev-parse", "main^") == mine
    assert place.show("a.txt") == "one\ntwo\nthree"


def test_a_target_that_is_not_checked_out_moves_alone(place):
    """Also from a detached HEAD, and the files here stay as they are."""
    place.project()
    place.git("branch", "other")
    place.git("checkout", "-q", "--detach")
    place.write({"a.txt": "mine\n"})
    place.start([task("it", EDIT_A)], pattern="solo", target="other")
    assert place.end()["data"]["outcome"] == "verified"
    assert place.show("a.txt", "other") == "one\nagreed\nthree"
    assert (place.root / "a.txt").read_text() == "mine\n"
    assert place.git("rev-parse", "HEAD") == place.git("rev-parse", "main") == place.git("rev-parse", "other^")


def test_a_target_in_a_linked_work_tree_goes_along_there(place):
    """Edits there block the merge, until they are gone."""
    place.project()
    place.git("branch", "other")
    linked = place.folder / "linked"
    place.git("worktree", "add", "-q", str(linked), "other")
    (linked / "a.txt").write_text("mine\n")
    place.start([task("it", EDIT_A)], pattern="solo", target="other")
    waited = place.end()
    assert waited["data"]["outcome"] == "needs_human"
    (linked / "a.txt").write_text("one\ntwo\nthree\n")
    assert place.end(after=waited["seq"])["data"]["outcome"] == "verified"
    assert len(place.of("merge_waiting")) == 1
    assert (linked / "a.txt").read_text() == "one\nagreed\nthree\n"
    assert (place.root / "a.txt").read_text() == "one\ntwo\nthree\n"


def test_a_rebase_under_way_is_waited_for(place):
    place.project()
    gate = place.gate("working")
    place.start([task("it", f"pause_at('working'); {EDIT_A}")], pattern="solo")
    standing = place.arrive(gate)
    (place.root / ".git" / "MERGE_HEAD").write_text(place.git("rev-parse", "main") + "\n")
    place.release(standing)
    waited = place.end()
    assert "a merge is in progress" in place.of("merge_waiting")[0]["data"]["reason"]
    (place.root / ".git" / "MERGE_HEAD").unlink()
    assert place.end(after=waited["seq"])["data"]["outcome"] == "verified"
