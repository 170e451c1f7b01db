"""What goes wrong with a task's work, how its author hears of it, and how it ends."""

from support.engines import task

from engine.core.commands import Answer, RetryTask


def kinds(told):
    return [(item["attempt"], item["kind"]) for item in told["feedback"]]


def test_what_was_wrong_reaches_the_next_attempt(place):
    """A red check, a rejection, and a gate that is red only on the combined tree: each is mended from its own words."""
    review = "reject('say why') if task['id'] == 'doubted' and attempt == 1 else approve()"
    place.project(["sh check.sh"], review=review)
    place.commit({"check.sh": "if test -e one -a -e two; then echo one and two do not go together; exit 3; fi\n"
                              "if test -e bad; then echo bad is $(cat bad); exit 4; fi\n"})  # fmt: skip
    gate = place.gate("two")
    place.start(
        [
            task("red", "write('red', '1'); write('bad', 'really bad') if attempt == 1 else os.remove('bad')"),
            task("doubted", "write('doubted', str(attempt))"),
            task("one", "write('one', '1')", agent="builder-1"),
            task("two", "write('two', '1'); pause_at('two') if attempt == 1 else os.rename('two', 'three')"),
        ]
    )
    place.until("merge_done", task="one")
    place.let_go(gate)
    assert place.end()["data"]["outcome"] == "verified"

    red = place.told("red", 2)
    assert kinds(red) == [(1, "check")]
    assert "bad is really bad" in red["feedback"][0]["text"]
    assert "exit status 4" in red["feedback"][0]["text"]

    doubted = place.told("doubted", 2)
    assert [(f["kind"], f["text"], f["by"]) for f in doubted["feedback"]] == [("review", "say why", "reviewer")]

    two = place.told("two", 2)
    assert kinds(two) == [(1, "gate")]
    assert "one and two do not go together" in two["feedback"][0]["text"]
    assert place.of("check_passed", task="two", attempt=1)  # its own check was green
    assert {name for name in place.git("ls-files").split() if "." not in name} == {"red", "doubted", "one", "three"}


def test_a_conflict_goes_back_to_its_author_with_both_sides(place):
    """Markers left in the file are refused; a real resolution merges."""
    place.project()
    gate = place.gate("second")
    resolve = """
found = read("a.txt")
note("found", found)
if attempt == 1:
    write("a.txt", found.replace("two", "mine"))
    pause_at("second")
elif attempt == 2:
    write("b.txt", "left them in")
else:
    write("a.txt", "one\\nyours and mine\\nthree\\n")
"""
    first = task("first", "write('a.txt', read('a.txt').replace('two', 'yours'))", agent="builder-1")
    place.start([first, task("second", resolve, agent="builder-2")], pattern="solo")
    place.until("merge_done", task="first")
    place.let_go(gate)
    assert place.end()["data"]["outcome"] == "verified"

    told = place.told("second", 2)["feedback"]
    assert kinds(place.told("second", 2)) == [(1, "conflict")]
    assert told[0]["sides"] == [{"path": "a.txt", "ours": "one\nyours\nthree\n", "theirs": "one\nmine\nthree\n"}]
    found = "\n".join(place.noted("found"))
    assert all(marker in found for marker in ("<<<<<<<", "|||||||", "=======", ">>>>>>>"))
    third = place.told("second", 3)["feedback"]
    assert [(item["attempt"], item["kind"]) for item in third] == [(1, "conflict"), (2, "failure"), (2, "conflict")]
    assert "conflict markers are left in a.txt:2" in third[1]["text"]
    assert place.show("a.txt") == "one\nyours and mine\nthree"


BAD_ENDS = {
    "empty": ("result(outcome='done')", "the diff is empty"),
    "exits": ("print('what a pity'); write('x', ''); sys.exit(7)", "ended with exit status 7"),
    "blocked": ("write('x', ''); result(outcome='blocked', summary='no access to the moon')", "no access to the moon"),
    "garbled": ("write('x', ''); put('result.json', '{\"outcome\": \"great\"}')", "result.json is refused"),
    "dies": ("write('x', ''); os.kill(os.getpid(), 9)", "killed by signal 9"),
    "unplaced": ("os.rmdir('/nowhere/at/all')", "exit status 1"),
}


def test_bad_ends_are_told_and_leave_the_target_alone(place):
    place.project(more="[limits]\nattempts = 1", builders=3)
    before = place.git("rev-parse", "main")
    place.start([task(name, prompt) for name, (prompt, _) in BAD_ENDS.items()], pattern="solo")
    ended = place.end()["data"]
    assert ended["outcome"] == "needs_human"
    for name, (_, says) in BAD_ENDS.items():
        assert says in place.of("attempt_failed", task=name)[0]["data"]["reason"]
        assert place.status("tasks", name)["state"] == "needs_human"
        assert f"{name} waits for a decision" in ended["reason"]
    assert "what a pity" in place.of("attempt_failed", task="exits")[0]["data"]["detail"]
    kept = place.of("attempt_failed", task="exits")[0]["data"]["kept"]  # what it left is put aside
    assert place.git("ls-tree", "--name-only", kept, "x") == "x"
    assert place.git("rev-parse", "main") == before
    assert place.git("status", "--porcelain") == ""


def test_a_person_grants_one_more_attempt_or_ends_it(place):
    """Attempts used up wait for a person; approve grants one more, deny ends the task, retry begins it again."""
    place.project(["sh check.sh"], more="[limits]\nattempts = 1")
    place.commit({"check.sh": "test ! -e bad\n"})
    bad = "write('bad', ''); write('good', str(attempt))\nif attempt > 2: os.remove('bad')"
    place.start([task("it", bad), task("next", after=["it"])], pattern="solo")
    first = place.end()
    assert first["data"]["outcome"] == "needs_human"
    assert [(a["task"], a["about"]) for a in place.client.status()["approvals"]] == [("it", "attempts")]

    place.client.submit(Answer(approval="it", granted=True, why="look at the file bad"))
    second = place.end(after=first["seq"])
    assert second["data"]["outcome"] == "needs_human"
    assert place.told("it", 2)["feedback"][-1] == feedback("person", "look at the file bad")

    place.client.submit(Answer(approval="it", granted=False, why="enough"))
    third = place.end(after=second["seq"])
    assert (third["data"]["outcome"], third["data"]["tasks"]) == ("failed", {"it": "failed", "next": "blocked"})
    assert "enough" in third["data"]["reason"]

    place.client.submit(RetryTask(task="it", note="once more"))
    last = place.end(after=third["seq"])
    assert (last["data"]["outcome"], last["data"]["tasks"]) == ("verified", {"it": "done", "next": "done"})
    assert place.show("good") == "3"


def feedback(kind, text):
    return {"attempt": 1, "kind": kind, "text": text, "by": "", "sides": []}


def test_risky_work_waits_for_a_person(place):
    """`confirm` asks once a task, `review` about this very patch; a refusal ends the task, the rest goes on."""
    place.project(more='[approvals]\nmedium = "confirm"\nhigh = "review"')
    before = place.git("rev-parse", "main")
    place.start([task("safe"), task("medium", risk="medium"), task("high", risk="high")], pattern="solo")
    rest = place.end()
    assert rest["data"]["outcome"] == "needs_human"
    assert {a["task"]: a["about"] for a in place.client.status()["approvals"]} == {"medium": "risk", "high": "review"}
    assert place.git("diff", "--name-only", before, "main") == "safe.txt"

    place.client.submit(Answer(approval="medium", granted=True))
    again = place.end(after=rest["seq"])
    assert place.show("medium.txt") == "medium"
    place.client.submit(Answer(approval="high", granted=False, why="too risky"))
    last = place.end(after=again["seq"])
    assert (last["data"]["outcome"], last["data"]["tasks"]["high"]) == ("failed", "failed")
    assert "too risky" in last["data"]["reason"]
    assert place.git("diff", "--name-only", before, "main").split() == ["medium.txt", "safe.txt"]
