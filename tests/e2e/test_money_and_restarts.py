"""Runs that stop for money, for a person or with the machine, and go on where they were."""

import os
from collections import Counter
from pathlib import Path

from support.engines import task

from engine.core.commands import RaiseBudget
from engine.core.values import Amount
from engine.journal.verify import verify

COSTS = "write(task['id'], ''); result(usage={'input': 600, 'output': 50, 'usd': '0.20'})"


def test_at_the_budget_nothing_more_starts_until_it_is_raised(place):
    place.project(builders=1)
    place.start([task(name, COSTS) for name in ("a", "b", "c")], pattern="solo", budget="1ktok")
    rest = place.end()
    assert rest["data"]["outcome"] == "budget"
    assert "budget raise run" in rest["data"]["reason"]
    assert Counter(rest["data"]["tasks"].values()) == {"done": 2, "unfinished": 1}  # what is paid for is merged
    assert len(place.noted("starts")) == 2
    reached = place.of("budget_reached")[0]["data"]
    assert (reached["used"]["tokens"], reached["limit"]["tokens"]) == (1300, 1000)
    run = place.client.status()["run"]
    assert (run["state"], run["usd"], run["tokens"]["input"]) == ("budget", "0.4", 1200)

    place.client.submit(RaiseBudget(scope="run", amount=Amount(tokens=5000)))
    last = place.end(after=rest["seq"])["data"]
    assert (last["outcome"], last["usage"]["output"], last["usd"]) == ("verified", 150, "0.6")


def test_an_agents_own_budget_stops_only_that_agent(place):
    place.project(builders=1, agents={"cheap": {"does": ["implement"], "budget": "500tok"}})
    place.start([task("a", COSTS, agent="cheap"), task("b", COSTS, agent="cheap"), task("c", COSTS)], pattern="solo")
    rest = place.end()["data"]
    assert (rest["outcome"], rest["tasks"]) == ("budget", {"a": "done", "b": "unfinished", "c": "done"})
    assert "the budget of cheap is used up" in rest["reason"]


def test_down_leaves_a_state_that_can_be_resumed_and_nothing_is_done_twice(place):
    place.project(review="approve()")
    gate = place.gate("standing")
    stand = (
        "write('half', 'so far')\nif not pathlib.Path(notes / 'again').exists():\n note('again'); pause_at('standing')"
    )
    place.start([task("done"), task("under-way", f"{stand}\nwrite('whole', '')"), task("later", after=["under-way"])])
    place.until("task_ended", task="done")
    standing = place.arrive(gate)
    place.down()
    place.release(standing)
    ended = place.end_of_record()
    assert ended["data"]["outcome"] == "stopped"
    kept = place.git("for-each-ref", "--format=%(refname)", "refs/quarterdeck/kept")
    assert place.git("show", f"{kept}:half") == "so far"
    assert verify(place.layout.journal).ok

    assert place.start(resume=True) == ended["run"]
    assert place.end(after=ended["seq"])["data"]["outcome"] == "verified"
    starts = Counter(line.rpartition(" ")[0] for line in place.noted("starts"))
    assert starts == {
        "done work 1": 1, "done review 1": 1, "under-way work 1": 2, "under-way review 1": 1,
        "later work 1": 1, "later review 1": 1,
    }  # fmt: skip
    assert verify(place.layout.journal).ok


def test_a_killed_engine_leaves_nothing_running_and_the_next_one_goes_on_by_itself(place):
    place.project()
    gate = place.gate("standing")
    stand = "note('pid', str(os.getpid()))\nif len((notes / 'pid').read_text().splitlines()) == 1: pause_at('standing')"
    place.start([task("done"), task("it", f"{stand}\nwrite('whole', '')")], pattern="solo")
    place.until("task_ended", task="done")
    standing = place.arrive(gate)
    place.crash()
    pid = int(place.noted("pid")[0])
    while Path(f"/proc/{pid}").exists():  # its keeper sees the end of the engine, and ends it
        os.sched_yield()
    place.release(standing)
    interrupted = place.until("stage_interrupted", task="it")
    assert interrupted["data"]["reason"] == "the engine ended"
    assert place.end()["data"]["outcome"] == "verified"
    assert Counter(line.split()[0] for line in place.noted("starts")) == {"done": 1, "it": 2}


def test_setup_runs_once_in_a_fresh_tree_and_again_when_a_lock_file_changed(place):
    """`copies` are brought along; a setup that fails says so."""
    setup = "echo once more >> .setups; test -f .env && cp .env .installed"
    place.project(
        ["test -f .installed -a -f .env"], builders=1, setup=[setup], copies=[".env"], more="[limits]\nattempts = 1"
    )
    place.commit({".gitignore": ".env\n.installed\n.setups\n", "requirements.txt": "one\n"})
    place.write({".env": "SECRET=1\n"})
    same = [task("a"), task("b", after=["a"])]
    locks = task("locks", "write('requirements.txt', 'two'); write('seen', read('.env'))", after=["b"])
    place.start([*same, locks, task("last", after=["locks"])], pattern="solo")
    assert place.end()["data"]["outcome"] == "verified"
    assert place.show("seen") == "SECRET=1"
    setups = [len(path.read_text().splitlines()) for path in place.layout.trees.glob("[.b]*/.setups")]
    assert len(setups) > 1  # the builder's clone and check trees
    assert set(setups) == {2}  # at first, and for the changed lock file

    place.write({".env": None})
    place.layout.tree("builder").rename(place.folder / "away")
    place.start([task("without")], pattern="solo")
    ended = place.end()["data"]
    assert ended["outcome"] in {"failed", "needs_human"}
    assert "setup failed" in ended["reason"]
