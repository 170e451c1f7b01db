"""Planners that plan badly, gates that prove nothing, and bases that are red before any work."""

import sys

from support.engines import task

PLANNER = {"does": ["plan"]}


def planned(place, body, **project):
    """A project whose planner runs `body`; `plan(*tasks)` is its word for a result."""
    words = "def plan(*tasks): result(plan={'task': list(tasks)})\n"
    place.project(agents={"planner": PLANNER | {"command": place.program("planner", words + body)}}, **project)


def test_a_bad_plan_is_refused_whole_and_the_planner_hears_why(place):
    body = """
if attempt == 1:
    plan({"id": "a", "after": ["b"]}, {"id": "b", "after": ["a"]})
elif attempt == 2:
    plan({"id": "a"}, {"id": "b", "kind": "sing"})
else:
    plan({"id": "a", "prompt": "write('a', '')"}, {"id": "b", "prompt": "write('b', read('a') + 'b')", "after": ["a"]})
"""
    planned(place, body, review="approve()")
    place.start(goal="split this")
    ended = place.end()["data"]
    assert ended["outcome"] == "verified", ended
    cycle, unable = [e["data"]["reason"] for e in place.of("plan_refused")]
    assert "a -> b -> a" in cycle
    assert 'nobody does "sing"' in unable
    assert [e["task"] for e in place.of("task_added")] == ["a", "b"]  # nothing of the refused ones
    told = place.told("plan", 3, role="plan")
    assert told["goal"] == "split this"
    assert "a -> b -> a" in told["feedback"][0]["text"]
    assert 'nobody does "sing"' in told["feedback"][1]["text"]
    assert {"name": "reviewer", "does": ["review"]} in told["crew"]
    assert place.show("b") == "b"


def test_a_plan_that_produced_nothing_has_failed(place):
    planned(place, "plan()", review="approve()", more="[limits]\nattempts = 1")
    place.start(goal="split this")
    ended = place.end()["data"]
    assert ended["outcome"] == "failed"
    assert "a plan without tasks" in ended["reason"]
    assert ended.get("merged", []) == []


def test_a_task_dropped_while_the_goal_is_being_planned_does_not_replace_the_plan(place):
    planned(
        place, "pause_at('planning'); plan({'id': 'planned', 'prompt': \"write('planned', '')\"})", review="approve()"
    )
    gate = place.gate("planning")
    place.layout.create()
    place.layout.task("waiting").write_text("write('waiting', '')\n")  # it waits for the next run
    place.start(goal="split this")
    standing = place.arrive(gate)
    place.layout.task("dropped").write_text("write('dropped', '')\n")
    place.until("merge_done", task="dropped")
    place.release(standing)
    assert place.end()["data"]["tasks"] == {"waiting": "done", "dropped": "done", "planned": "done"}
    assert {"planned", "waiting", "dropped"} <= set(place.git("ls-tree", "--name-only", "main").split())


def test_a_gate_that_ran_no_test_has_failed(place):
    place.project([f"{sys.executable} -m pytest -q"], more="[limits]\nattempts = 1")
    place.start([task("it")], pattern="solo")
    ended = place.end()["data"]
    assert ended["outcome"] == "failed"
    assert "pytest ran no test" in ended["reason"]
    assert place.noted("starts") == []


def test_a_red_base_refuses_to_start_and_may_be_allowed(place):
    place.project(["true", "sh check.sh"])
    place.commit({"check.sh": "echo counting; test -e it.txt\n"})
    place.start([task("it")], pattern="solo")
    ended = place.end()["data"]
    assert ended["outcome"] == "failed"
    assert "the gate is red on the base" in ended["reason"]
    assert "`sh check.sh`: it ended with exit status 1" in ended["reason"]
    assert place.noted("starts") == []

    place.start([task("it")], pattern="solo", allow_red=True)
    assert place.end()["data"]["outcome"] == "verified"
