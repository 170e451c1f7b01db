"""The crew is steered from the dashboard in a real terminal, and what it shows is so: the kernel and the record agree."""

import json

import pytest
from support.desk import ends, family, opened, recorded, states, step_out
from support.engines import task

from tui.bridge import person

pytestmark = pytest.mark.timeout(60)
TWO = "child = os.fork()\nif not child:\n    import signal\n    while True: signal.pause()\npause_at('standing')"
"""Two processes: one stands at the gate, one waits for a signal that never comes."""


@pytest.fixture
def standing(place):
    """A run in which builder-1 stands still; the keys of its processes."""
    place.project()
    gate = place.gate("standing")
    place.start([task("it", TWO)], pattern="solo")
    held = place.arrive(gate)
    pid = place.until("attempt_started", task="it")["data"]["pid"]
    yield family(pid)
    place.release(held)


def test_a_message_typed_is_in_the_agents_inbox(place, standing):
    with opened(place) as probe, ends(probe):
        probe.wait("working")
        probe.send("mspare the café, 船\r".encode())
        steered = place.until("agent_steered", agent="builder-1")
        assert steered["data"]["text"] == "spare the café, 船"
        probe.wait("spare the café")
        probe.press("q")
    [message] = place.layout.inbox("builder-1").glob("*.json")
    assert "spare the café, 船" in json.dumps(json.loads(message.read_text()), ensure_ascii=False)


def test_a_pause_stops_the_processes_and_a_resume_lets_them_go_on(place, standing):
    assert len(standing) >= 2
    with opened(place) as probe, ends(probe):
        probe.wait("working")
        probe.press("p")
        probe.wait("frozen")
        assert states(standing) == {"T"}
        probe.press("r")
        probe.wait(lambda seen: "paused" not in seen.screen.display[2])
        place.until("agent_resumed")
        assert "T" not in states(standing)
        probe.press("q")


def test_a_stop_ends_the_processes_and_holds_the_agent(place, standing):
    with opened(place) as probe, ends(probe):
        probe.wait("working")
        probe.press("s", "y")
        probe.wait("stopped")
        place.until("agent_stopped", agent="builder-1")
        assert states(standing) == set()
        probe.press("q")


def test_a_kill_shows_its_proof_and_nothing_is_left(place, standing):
    with opened(place) as probe, ends(probe):
        probe.wait("working")
        probe.press("x")
        probe.wait("Kill builder-1?")
        assert "work of it" in probe.text
        probe.press("y")
        probe.wait("builder-1: gone")
        assert states(standing) == set()
        proof = place.until("agent_killed", agent="builder-1")["data"]
        probe.wait(f"gone: {proof['processes']} processes")
        assert proof["processes"] >= len(standing)
        step_out(probe, "builder-1: gone")
        probe.wait("killed")
        probe.press("q")


def test_kill_all_takes_the_typed_word(place):
    place.project()
    gates = [place.gate(f"standing-{n}") for n in (1, 2)]
    place.start([task(f"t{n}", f"pause_at('standing-{n}')") for n in (1, 2)], pattern="solo")
    held = [place.arrive(gate) for gate in gates]
    pids = [place.until("attempt_started", task=f"t{n}")["data"]["pid"] for n in (1, 2)]
    processes = [key for pid in pids for key in family(pid)]
    with opened(place) as probe, ends(probe, 4):  # nobody is left, so it waits for a person
        probe.wait("working")
        probe.press("X")
        probe.wait("Kill all 2 agents?")
        probe.send(b"kill al\r")
        probe.settle()
        assert states(processes)
        probe.send(b"l\r")
        probe.wait("every agent: gone")
        assert states(processes) == set()
        step_out(probe, "every agent: gone")
        probe.press("q")
    for descriptor in held:
        place.release(descriptor)


def test_what_is_risky_is_approved_and_denied_by_key(place):
    place.project(more='[approvals]\nhigh = "confirm"')
    place.start([task("one", risk="high"), task("two", risk="high")], pattern="solo")
    assert place.end()["data"]["outcome"] == "needs_human"
    first, second = (event["task"] for event in recorded(place) if event["kind"] == "approval_asked")
    with opened(place) as probe, ends(probe, 1):
        probe.wait("asks you")
        probe.press("shift+tab")
        probe.press("a")
        probe.wait(f"Approve for {first}?")
        probe.press("y")
        place.until("merge_done", task=first)
        probe.wait(lambda seen: f"asks you  {first}" not in seen.text)
        probe.press("d")
        probe.wait(f"Deny for {second}?")
        probe.send(b"too risky\r")
        assert place.until("task_ended", task=second)["data"]["outcome"] == "failed"
        probe.wait("the run has ended")
        probe.wait("too risky")
        probe.press("q")
    assert (place.show(f"{first}.txt"), place.show(f"{second}.txt")) == (first, "")
    assert {event["actor"] for event in recorded(place) if event["kind"] == "approval_given"} == {person()}


def test_a_task_given_up_is_tried_again_from_the_plan(place):
    place.project(more="[limits]\nattempts = 1")
    place.start([task("it", "assert attempt > 1; write('it.txt', 'it')")], pattern="solo")
    place.end()
    with opened(place) as probe, ends(probe):
        probe.wait("asks you")
        probe.send(b"dnot like this\r")
        probe.wait("the run has ended")
        step_out(probe, "the run has ended")
        probe.press("tab", "tab")
        probe.wait("t try again")
        probe.send(b"tlook again\r")
        probe.wait("VERIFIED")
        probe.press("q")
    assert place.until("run_ended", outcome="verified")
    assert place.told("it", 2)["feedback"][-1]["text"] == "look again"
