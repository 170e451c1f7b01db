"""A larger plan of dependent edits while a person does all that a person may do; its final tree is known beforehand."""

import random

import pytest
from support.engines import task
from support.repos import git, healthy

from engine.core.commands import PauseAgent, ResumeAgent, StopAgent

AGENTS = ("builder-1", "builder-2", "builder-3", "reviewer-1", "reviewer-2")


def a_plan(count, dice):
    """Each task appends the sums of what it depends on to a file of its own: wrong inputs show in every later one."""
    plan, texts = [], {}
    for number in range(count):
        after = sorted(dice.sample(range(number), min(number, dice.randrange(3))))
        texts[number] = f"{number}: {' '.join(str(len(texts[need])) for need in after)}\n" + "".join(
            texts[need] for need in after
        )
        prompt = f"""
parts = [read(f"parts/{{need}}") for need in {after}]
time.sleep({dice.choice((0, 0, 0.05, 0.2))})
write("parts/{number}", "{number}: " + " ".join(str(len(part)) for part in parts) + "\\n" + "".join(parts))
"""
        plan.append(task(f"t{number}", prompt, after=[f"t{need}" for need in after]))
    return plan, texts


def meddle(place, dice):
    """One thing that a person does."""
    agent = dice.choice(AGENTS)
    match dice.randrange(6):
        case 0:
            place.client.kill(agent)
        case 1:
            place.client.submit(StopAgent(agent=agent))
        case 2 if not place.status("agents", agent)["held"]:
            place.client.submit(PauseAgent(agent=agent))
            place.client.settled(agent, "paused")
            place.client.submit(ResumeAgent(agent=agent))  # a run waits for whoever froze an agent, for ever
        case 3:
            commit(place, f"mine-{dice.randrange(1000)}")
        case 4:
            place.write({"a.txt": f"edited {dice.random()}\n"})
    if dice.random() < 0.7:
        place.client.submit(ResumeAgent(agent=agent))


def commit(place, name):
    """As a careful person does: when git says that somebody was at it in the same moment, they look again first.

    A `git commit` that lost such a race may leave the index as it was before the other's: git reads it before it takes
    the lock. So does `git reset`, with HEAD. What is staged is reset until it is nothing, before anything is added.
    """
    while True:
        try:
            place.commit({name: "mine\n"})
        except AssertionError as error:
            if "lock" not in str(error):
                raise
            while git(place.root, "reset", "-q", check=False) or git(place.root, "diff", "--cached", "--name-only"):
                pass
        else:
            return


def played(place, seed, count):
    dice = random.Random(seed)
    place.project(
        ["test ! -e parts/bad"],
        builders=3,
        agents={"reviewer": {"does": ["review"], "instances": 2, "command": place.program("r", "approve()")}},
    )
    plan, texts = a_plan(count, dice)
    place.start(plan, pattern="pipeline")
    for event in place.events():
        if event["kind"] == "run_ended" and event["data"]["outcome"] != "needs_human":
            ended = event["data"]
            break
        if event["kind"] == "run_ended" or dice.random() < 0.15:
            meddle(place, dice)
        if event["kind"] == "run_ended":
            for agent in AGENTS:
                place.client.submit(ResumeAgent(agent=agent))
    assert (ended["outcome"], set(ended["tasks"].values())) == ("verified", {"done"})
    for number, text in texts.items():
        assert place.show(f"parts/{number}") + "\n" == text
    trailers = place.git("log", "--format=%(trailers:key=Quarterdeck,valueonly,separator=)", "main").split()
    assert sorted(trailer.split("/")[1] for trailer in trailers) == sorted(spec["id"] for spec in plan)
    lost = [
        e for e in place.seen if e["kind"] in {"attempt_failed", "check_failed", "merge_conflicted", "review_failed"}
    ]
    assert lost == []  # nothing that a person did cost an attempt
    place.down()  # which writes the last note: fsck is not to look meanwhile
    assert healthy(place.root)


def test_a_crowded_run_ends_in_the_tree_it_should(place):
    played(place, 7, 12)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_crowded_runs_end_in_the_tree_they_should(place, seed):
    played(place, seed, 30)
