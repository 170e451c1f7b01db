"""`status` over states that the real mind came to."""

import msgspec
import pytest
from support.story import ENGINE, Story, checked

from engine.api.status import status
from engine.core import commands as c
from engine.core.decide import Mind
from engine.core.values import AgentSpec, Amount, TaskSpec, Tokens

RUN_KEYS = {"id", "goal", "pattern", "state", "target", "tokens", "usd", "budget"}
AGENT_KEYS = {
    *("name", "runtime", "state", "task", "tier", "confinement", "pid", "tokens", "usd", "budget", "since"),
    *("evidence", "held"),
}
TASK_KEYS = {"id", "title", "kind", "state", "after", "agent", "attempts", "outcome", "evidence", "commit"}


def test_every_promised_field_is_there():
    found = Story().look()
    assert set(found) == {
        "run", "agents", "tasks", "approvals", "confinement", "providers", "rules", "bus", "engine",
    }  # fmt: skip
    assert set(found["run"]) >= RUN_KEYS
    assert all(set(agent) >= AGENT_KEYS for agent in found["agents"])
    assert all(set(task) >= TASK_KEYS for task in found["tasks"])
    assert found["engine"] == {**ENGINE, "seq": found["engine"]["seq"]}
    assert msgspec.json.decode(msgspec.json.encode(found)) == found


def test_nothing_yet():
    found = status(Mind().state, now=1.0, engine=None)
    assert (found["run"], found["agents"], found["tasks"], found["engine"]) == (None, [], [], None)


def test_money_is_a_string_and_tokens_are_split():
    story = Story()
    story.do(c.Spent(agent="builder", task="a", tokens=Tokens(input=5, cache_read=2), usd="0.10"))
    story.do(c.RaiseBudget(scope="run", amount=Amount(usd="1")))
    run, agent = story.look()["run"], story.agent()
    tokens = {"input": 5, "output": 0, "cache_read": 2, "cache_write": 0}
    assert (run["usd"], run["tokens"], run["budget"]) == ("0.10", tokens, {"usd": "6", "tokens": None})
    assert (agent["usd"], agent["tokens"], agent["budget"]) == ("0.10", tokens, {"usd": "2", "tokens": None})


# -- tasks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "state", "outcome", "evidence"),
    [
        (Story, "waiting", None, "check of the base"),
        (lambda: Story().based(), "running", None, "held by builder"),
        (lambda: Story().claimed(), "checking", "claimed", "builder says so in round 1; not checked yet"),
        (lambda: Story().claimed().finish("a/check", checked("T")), "reviewing", "claimed", "its check passed"),
        (lambda: Story().merging(), "merging", "claimed", "approved by reviewer"),
        (lambda: Story().merged(), "done", "verified", "`true` passed on tree M, which is what was merged"),
        (lambda: Story(attempts=1).claimed().finish("a/check", checked("T", "red")), "needs_human", "refuted", "red"),
        (lambda: Story().merging().finish("a/merge", c.Obstructed(reason="your edits")), "needs_human", "claimed", "your"),
    ],
)  # fmt: skip
def test_a_task_says_where_it_is_and_why(story, state, outcome, evidence):
    task = story().task()
    assert (task["state"], task["outcome"]) == (state, outcome)
    assert evidence in task["evidence"]


def test_a_task_that_depends_on_another_waits_for_it():
    task = Story().based().task("b")
    assert (task["state"], task["after"], task["agent"], task["attempts"]) == ("waiting", ["a"], None, 0)
    assert task["evidence"] == "waits for a"


def test_a_task_without_a_free_agent_is_ready():
    two = (TaskSpec(id="a", title="A"), TaskSpec(id="b", title="B"))
    task = Story(tasks=two).based().task("b")
    assert (task["state"], task["evidence"]) == ("ready", "waits for a free agent")


def test_a_task_whose_agents_all_wait_for_a_person_says_for_whom_and_why():
    both = tuple(AgentSpec(name=name, runtime="scripted", does=("implement",)) for name in ("ann", "bob"))
    reviewer = AgentSpec(name="rev", runtime="scripted", does=("review",))
    tasks = tuple(TaskSpec(id=name, title=name) for name in "abc")
    story = Story(tasks=tasks, crew=(*both, reviewer)).based()
    assert story.task("c")["evidence"] == "waits for a free agent"
    story.do(c.StopAgent(agent="ann"))
    assert story.task("c")["evidence"] == "waits for a free agent", "bob will be free again"
    story.do(c.PauseAgent(agent="bob"))
    assert story.task("c")["evidence"] == "waits for ann, which is held, or bob, which is paused"
    story.do(c.ResumeAgent(agent="bob"))
    assert story.task("c")["evidence"] == "waits for a free agent"


def test_a_task_whose_only_agent_is_out_of_budget_says_so():
    worker = AgentSpec(name="ann", runtime="scripted", does=("implement",), budget=Amount(tokens=10))
    reviewer = AgentSpec(name="rev", runtime="scripted", does=("review",))
    tasks = tuple(TaskSpec(id=name, title=name) for name in "ab")
    story = Story(tasks=tasks, crew=(worker, reviewer)).based()
    story.do(c.Spent(agent="ann", task="a", tokens=Tokens(input=11)))
    assert story.task("b")["evidence"] == "waits for ann, which is out of budget"


def test_a_merged_task_names_its_commit():
    assert Story().merged().task()["commit"] == "c1"


def test_a_conflict_makes_the_claim_stale():
    conflict = c.Conflicted(parent="p1", sides=(c.Side(path="x.py"),))
    task = Story(attempts=1).merging().finish("a/merge", conflict).task()
    assert (task["state"], task["outcome"]) == ("needs_human", "stale")


def test_a_cancelled_task_and_one_it_blocks():
    story = Story().based()
    story.do(c.CancelTask(task="a", note="not needed"))
    assert (story.task("a")["state"], story.task("b")["state"]) == ("cancelled", "blocked")
    assert story.task("a")["evidence"] == "not needed"


def test_age_is_counted_from_the_step_it_is_in():
    story = Story().based()
    began = story.clock
    story.do(c.Noticed(text="x"))
    task = story.task()
    assert (task["since"], task["age"]) == (began, story.clock + 10 - began)


def test_the_version_shown_is_one_that_a_request_may_name():
    story = Story().based()
    story.do(c.CancelTask(task="a", version=story.task()["version"]))
    story.do(c.PauseAgent(agent="reviewer", version=story.agent("reviewer")["version"]))


# -- agents --------------------------------------------------------------------------------------------------------


def told(*commands, begin=True):
    story = Story().based()
    if begin:
        story.began("a/work")
    for command in commands:
        story.do(command)
    return story


def killed(*, gone, proof):
    return c.Killed(agent="builder", gone=gone, proof=proof, processes=1, ms=1.0)


@pytest.mark.parametrize(
    ("story", "state", "evidence"),
    [
        (Story, "idle", "nothing to do"),
        (lambda: told(begin=False), "starting", "has not begun"),
        (told, "working", "process 99"),
        (lambda: told(c.PauseAgent(agent="builder")), "working", "asked to pause"),
        (lambda: told(c.PauseAgent(agent="builder"), c.Froze(agent="builder", processes=2)), "paused", "frozen"),
        (lambda: told(c.StopAgent(agent="builder")), "stopping", "stop"),
        (
            lambda: told(c.StopAgent(agent="builder"), c.Ended(agent="builder", proof="empty", processes=0)),
            "stopped",
            "empty",
        ),
        (lambda: told(killed(gone=True, proof="no process left")), "stopped", "no process left"),
        (lambda: told(killed(gone=False, proof="99 is in D state")), "unkillable", "D state"),
        (lambda: told().finish("a/work", c.Broke(reason="exit 139", blame="agent")), "failed", "round 1 of a: exit 139"),
    ],
)  # fmt: skip
def test_an_agent_says_what_it_does_and_how_that_is_known(story, state, evidence):
    agent = story().agent()
    assert agent["state"] == state
    assert evidence in agent["evidence"]


def test_an_agent_at_work_names_task_process_and_confinement():
    agent = told().agent()
    assert (agent["task"], agent["pid"], agent["confinement"], agent["held"]) == ("a", 99, "unconfined", None)


def test_the_tier_in_force_is_told_with_what_it_does_not_hold():
    story = told()
    story.do(c.CameUp(epoch=2, pid=8, version="1", confinement="basic (Landlock ABI 7)", holes=("UDP is open",)))
    found = story.look()
    assert found["confinement"] == {"label": "basic (Landlock ABI 7)", "level": "basic", "holes": ["UDP is open"]}
    assert story.agent()["confinement"] == "basic (Landlock ABI 7)"
    assert status(Mind().state, now=1.0, engine=None)["confinement"]["level"] == "unconfined"


def test_a_killed_agent_stays_held_until_resumed():
    story = told(killed(gone=True, proof="empty"))
    assert story.agent()["held"] == "kill"
    story.do(c.ResumeAgent(agent="builder"))
    assert story.agent()["held"] is None


def test_an_agent_over_its_budget_waits():
    story = Story()
    story.do(c.Spent(agent="builder", task="a", tokens=Tokens(input=1), usd="2.00"))
    assert (story.agent()["state"], story.agent()["evidence"]) == ("waiting", "its budget is used up")


def test_without_an_engine_nothing_is_at_work():
    story = told()
    found = story.look(engine=None)
    assert (found["run"]["state"], found["engine"]) == ("interrupted", None)
    assert (story.agent(engine=None)["state"], story.agent(engine=None)["pid"]) == ("stopped", None)
    assert story.task(engine=None)["state"] == "ready"


# -- the run and what a person owes --------------------------------------------------------------------------------


def test_an_approval_can_be_answered_by_the_id_shown():
    story = Story(attempts=1).claimed().finish("a/check", checked("T", "red"))
    (approval,) = story.look()["approvals"]
    assert (approval["task"], approval["about"], approval["since"]) == ("a", "attempts", story.clock)
    assert "red" in approval["what"]
    assert story.look()["run"]["state"] == "needs_human"
    story.do(c.Answer(approval=approval["id"], granted=True))
    assert story.look()["approvals"] == []
    assert story.look()["run"]["state"] == "running"


def test_a_finished_run_says_its_outcome():
    story = Story(tasks=(TaskSpec(id="a", title="A"),)).merged()
    run = story.look()["run"]
    assert (run["state"], run["since"], run["age"]) == ("verified", story.clock, 10.0)
