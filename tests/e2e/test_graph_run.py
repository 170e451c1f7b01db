"""One whole run of a plan with dependencies: everything that a good run leaves, looked at from outside."""

from support.engines import task
from support.repos import healthy

from engine.journal.verify import verify

STARTED_ANEW = True
CHECK = "sh check.sh"
SUMMED = """result(summary='the left half', confidence=0.9,
               usage={'input': 100, 'output': 20, 'cache_read': 3, 'cache_write': 4, 'usd': '0.015'})"""
PLAN = [
    task("left", f"write('left.txt', 'l\\n'); pause_at('left'); {SUMMED}", title="The left half"),
    task("right", "write('right.txt', 'r\\n'); pause_at('right'); os.system('git add -A; git commit -qm mine')"),
    task("join", "write('join.txt', read('left.txt') + read('right.txt'))", after=["left", "right"]),
    task("last", "write('last.txt', read('join.txt').upper())", after=["join"], accept=["grep -q L last.txt"]),
]


def test_a_plan_with_dependencies_becomes_verified_merged_work(place):
    place.project([CHECK], review="approve('good')", builders=3)
    base = place.commit({"check.sh": "echo counted $(ls *.txt | wc -l)\n"})
    gates = [place.gate(name) for name in ("left", "right")]
    run = place.start(PLAN, goal="two halves")
    standing = [place.arrive(gate) for gate in gates]  # both at work at the same time
    assert place.of("attempt_started", task="join") == []
    for descriptor in standing:
        place.release(descriptor)
    ended = place.end()["data"]

    assert (ended["outcome"], set(ended["tasks"].values())) == ("verified", {"done"})
    assert place.show("last.txt") == "L\nR"
    the_order_is_kept(place)
    every_merge_is_one_commit_of_its_author(place, run, base, ended["merged"])
    the_traces_are_there(place)
    usage_adds_up(place, ended)
    the_record_is_intact_and_its_head_is_in_git(place)
    assert place.git("status", "--porcelain") == ""
    place.down()  # which writes the last note: fsck is not to look meanwhile
    assert healthy(place.root)


def the_order_is_kept(place):
    """Each program began after what it depends on was merged, in a clone of its agent's own."""
    began = {e["task"]: e for e in place.of("attempt_started") if "/work." in e["data"]["stage"]}
    merged = {e["task"]: e["seq"] for e in place.of("merge_done")}
    for spec in PLAN:
        assert all(began[spec["id"]]["seq"] > merged[need] for need in spec.get("after", ()))
    assert len({(e["agent"], e["data"]["tree"]) for e in began.values()}) == len({e["agent"] for e in began.values()})
    assert began["left"]["agent"] != began["right"]["agent"]
    assert len(place.noted("starts")) == 2 * len(PLAN)  # each was done once and reviewed once


def every_merge_is_one_commit_of_its_author(place, run, base, merged):
    shape = "--format=%H|%P|%an|%cn|%s|%(trailers:key=Quarterdeck,valueonly,separator=)"
    lines = [line.split("|") for line in place.git("log", "--reverse", shape, f"{base}..main").splitlines()]
    assert [line[0] for line in lines] == [e["data"]["commit"] for e in place.of("merge_done")]
    assert {line[0] for line in lines} == {one["commit"] for one in merged}
    parents = [base, *(line[0] for line in lines)]
    for (commit, parent, author, committer, _, trailer), before in zip(lines, parents, strict=False):
        done = next(e for e in place.of("merge_done") if e["data"]["commit"] == commit)
        assert (parent, author, committer) == (before, done["agent"], "Pat")
        assert trailer == f"{run}/{done['task']}/1"
        assert place.git("rev-parse", f"{commit}^{{tree}}") == done["data"]["tree"]
    assert "the left half" in place.git("log", "--format=%B", f"{base}..main")


def the_traces_are_there(place):
    assert "+l" in place.artifact("change.diff", "left")
    assert place.artifact("check-1.log", "last") == "counted 5"
    second = place.of("merge_done")[1]["task"]  # it was gated on a tree that its author never had
    assert place.artifact("gate-1.log", second) == "counted 3"
    assert place.artifact("review-0.md", "join") == "approve by reviewer\n\ngood\n"
    evidence = place.artifact("evidence.txt", "last")
    commit = place.git("rev-parse", "main")
    assert commit in evidence
    assert place.git("rev-parse", "main^{tree}") in evidence
    assert "passed grep -q L last.txt" in evidence
    found = place.status("tasks", "last")
    assert (found["state"], found["outcome"], found["commit"]) == ("done", "verified", commit)


def usage_adds_up(place, ended):
    assert ended["usage"] == {"input": 100, "output": 20, "cache_read": 3, "cache_write": 4}
    assert ended["usd"] == "0.015"
    author = place.of("attempt_claimed", task="left")[0]["agent"]
    assert place.status("agents", author)["usd"] == "0.015"


def the_record_is_intact_and_its_head_is_in_git(place):
    place.down()
    note = place.git("notes", "--ref=quarterdeck", "show", "main") + "\n"
    report = verify(place.layout.journal, witnessed=[note])
    assert report.ok, report.damage
    assert report.checkpoints >= 2  # the one the note repeats, and the one of the engine's end
