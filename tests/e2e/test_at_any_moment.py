"""What people ask at awkward moments: kills at every step of a round, changes of the plan while it runs."""

import contextlib
import os
from pathlib import Path

import pytest
from support.engines import task

from engine.core.commands import CancelTask, PauseAgent, ReassignTask, ResumeAgent, SteerAgent, StopAgent
from engine.processes import records, tree
from engine.processes.last_resort import kill_recorded

MOMENTS = ("stage_assigned", "attempt_started", "attempt_claimed", "check_passed", "review_given")


def running(place, agent):
    """Programs of an agent, by /proc: below its keepers, and none of these, one of which may just be starting."""
    kept = [record for record in records.read(place.layout.processes) if record.agent == agent]
    below = [found.pid for record in kept for found in tree.below(record.pid) if found.alive]
    return [pid for pid in below if b"quarterdeck-keeper" not in words(pid)]


def words(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"quarterdeck-keeper: it is gone"


def test_a_kill_at_any_moment_leaves_nothing_running_and_costs_no_attempt(place):
    """Killed at each kind of step, freed, and killed again; its task is done in the end, once."""
    place.project(review="approve()", builders=1)
    place.start([task("it", "write('it', ''); write('half', '')")])
    after = 0
    for moment in MOMENTS:
        after = place.until(moment, task="it", after=after)["seq"]
        killed = place.client.kill()
        assert all(one["gone"] for one in killed)
        starts = place.noted("starts")
        settled = [one["agent"] for one in killed if not one["keeping"]]  # else its work is just being put aside
        left = {agent: running(place, agent) for agent in settled}
        assert not any(left.values()), (moment, killed, [words(pid) for pids in left.values() for pid in pids])
        assert place.client.status()["agents"][0]["held"] == "kill"
        assert place.noted("starts") == starts
        for one in killed:
            place.client.submit(ResumeAgent(agent=one["agent"]))
    ended = place.end(after=after)
    while ended["data"]["outcome"] == "needs_human":  # it rested while all were held
        ended = place.end(after=ended["seq"])
    assert ended["data"]["outcome"] == "verified"
    assert place.git("log", "--format=%s", "main").split("\n").count("it") == 1
    assert {e["attempt"] for e in place.of("merge_done")} == {1}


def test_a_kill_from_outside_is_honoured_by_the_engine_that_lives_on(place):
    """The engine hung and comes back: it starts nothing for an agent that was killed meanwhile."""
    place.project()
    gate = place.gate("standing")
    stand = "if os.environ['QUARTERDECK_AGENT'] == 'builder-1': pause_at('standing')\nwrite('it', '')"
    place.start([task("it", stand)], pattern="solo")
    standing = place.arrive(gate)
    os.kill(place.client.engine.pid, 19)  # SIGSTOP
    assert kill_recorded(place.layout.processes, ["builder-1"])[0].proof.gone
    os.kill(place.client.engine.pid, 18)  # SIGCONT
    place.release(standing)
    place.until("agent_held", agent="builder-1", how="kill")
    assert place.end()["data"]["outcome"] == "verified"
    assert place.of("merge_done")[0]["agent"] == "builder-2"


def test_a_pause_does_not_undo_a_kill_that_needed_no_engine(place):
    place.project()
    gate = place.gate("standing")
    place.start([task("it", "pause_at('standing')", agent="builder-1")], pattern="solo")
    standing = place.arrive(gate)
    place.client.submit(PauseAgent(agent="builder-1"))
    place.client.settled("builder-1", "paused")
    place.crash()
    kill_recorded(place.layout.processes, ["builder-1"])
    place.release(standing)
    place.until("agent_held", agent="builder-1")
    assert place.end()["data"]["outcome"] == "needs_human"
    assert place.status("agents", "builder-1")["held"] == "kill"


def test_the_plan_changes_while_it_runs(place):
    """A task is cancelled, one goes to another agent, and one hears a word, all while they are at work."""
    place.project(builders=3)
    gates = {name: place.gate(f"in-{name}") for name in ("cancelled", "moved", "steered")}
    work = "write(task['id'], os.environ['QUARTERDECK_AGENT'])\nif attempt == 1 and not list(inbox.glob('*.json')):"
    prompts = {
        "cancelled": f"{work} pause_at('in-cancelled')",
        "moved": f"{work}\n if os.environ['QUARTERDECK_AGENT'] == 'builder-2': pause_at('in-moved')",
        "steered": f"{work} pause_at('in-steered')\nwrite('heard', ''.join(m.read_text() for m in inbox.glob('*.json')))",
    }
    agents = {"cancelled": "builder-1", "moved": None, "steered": "builder-3"}
    place.start(
        [task(name, prompts[name], **({"agent": agent} if agent else {})) for name, agent in agents.items()]
        + [task("after", after=["cancelled"])],
        pattern="solo",
    )
    standing = {name: place.arrive(gate) for name, gate in gates.items()}
    place.client.submit(CancelTask(task="cancelled", note="not wanted"))
    place.client.submit(ReassignTask(task="moved", to="builder-1"))
    place.client.submit(SteerAgent(agent="builder-3", text="look up"))
    steered = place.until("agent_steered", agent="builder-3")["data"]
    assert steered == {"text": "look up", "delivered": False}
    for descriptor in standing.values():
        place.release(descriptor)
    ended = place.end()["data"]
    assert ended["tasks"] == {"cancelled": "cancelled", "moved": "done", "steered": "done", "after": "blocked"}
    assert ended["outcome"] == "failed"
    assert place.show("moved") == "builder-1"
    assert "look up" in place.show("heard")
    assert sorted(e["agent"] for e in place.of("work_kept")) == ["builder-1", "builder-2"]


def test_down_while_an_agent_stands_still_ends_it_too(place):
    place.project()
    gate = place.gate("standing")
    place.start([task("it", "write('half', ''); pause_at('standing')")], pattern="solo")
    standing = place.arrive(gate)
    began = place.until("attempt_started", task="it")
    agent = began["agent"]
    assert tree.look(began["data"]["pid"]) is not None
    place.client.submit(PauseAgent(agent=agent))
    place.client.settled(agent, "paused")
    place.down()
    assert tree.look(began["data"]["pid"]) is None
    assert place.git("for-each-ref", "refs/quarterdeck/kept") != ""
    place.release(standing)
    assert place.client.status()["run"]["state"] == "stopped"


@pytest.mark.parametrize("ask", [PauseAgent, StopAgent])
def test_an_agent_asked_before_it_began_does_not_begin(place, ask):
    place.project(builders=1)
    place.start([task("it")], pattern="solo")
    place.client.submit(ask(agent="builder"))
    place.client.settled("builder", "paused" if ask is PauseAgent else "stopped")
    starts = place.noted("starts")
    assert running(place, "builder") == []
    assert place.noted("starts") == starts
    place.client.submit(ResumeAgent(agent="builder"))
    ended = place.end()
    while ended["data"]["outcome"] == "needs_human":
        ended = place.end(after=ended["seq"])
    assert ended["data"]["outcome"] == "verified"
