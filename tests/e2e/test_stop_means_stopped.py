"""Freeze, thaw, stop and kill, while agents work: with proof, without losing work, and held until resumed."""

import os
from pathlib import Path

import pytest
from support.engines import task

from engine.api.calls import CallRefused
from engine.core.commands import PauseAgent, ResumeAgent, StopAgent
from engine.processes import tree
from engine.processes.last_resort import kill_recorded
from engine.processes.records import held

SPIN = """
write("half", "done so far")
if attempt == 1 and "-1" in os.environ["QUARTERDECK_AGENT"]:
    child = os.fork()
    if child:
        pause_at("spinning")
    while True:
        pass
"""


def ticks(pid):
    """CPU time of a process so far, in clock ticks: utime and stime of proc(5)."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def spinning(place):
    """A run in which builder-1 is at it; its two processes."""
    gate = place.gate("spinning")
    place.start([task("it", SPIN)], pattern="solo")
    place.let_go(gate)
    began = place.until("attempt_started", task="it")
    assert began["agent"] == "builder-1"
    pid = began["data"]["pid"]
    return pid, *(
        process.pid for process in tree.below(pid)
    )  # not by what it calls itself: it may be somebody else here


def test_a_paused_agent_stands_still_until_it_is_resumed(place):
    place.project()
    processes = spinning(place)
    place.client.submit(PauseAgent(agent="builder-1"))
    settled = place.client.settled("builder-1", "paused")
    assert settled[0]["processes"] >= 2
    before = [ticks(pid) for pid in processes]
    place.client.submit(PauseAgent(agent="builder-1"))  # again changes nothing
    assert place.status("agents", "builder-1")["state"] == "paused"
    assert [ticks(pid) for pid in processes] == before
    place.client.submit(ResumeAgent(agent="builder-1"))
    place.client.settled("builder-1", "resumed")
    while ticks(processes[0]) == before[0]:  # it goes on
        pass
    place.client.submit(PauseAgent(agent="builder-1"))
    place.client.settled("builder-1", "paused")
    killed = place.client.kill("builder-1")[0]  # also when it stands still
    assert killed["gone"]
    assert not any(alive(pid) for pid in processes)


def test_a_killed_agent_is_gone_and_held_and_its_task_goes_to_another(place):
    place.project()
    processes = spinning(place)
    killed = place.client.kill("builder-1")[0]
    assert killed["gone"], killed
    assert not any(alive(pid) for pid in processes)
    assert any(word in killed["proof"] for word in ("ECHILD", "pidfd"))  # the kernel's own word, by tier
    assert killed["ms"] < 1000
    kept = killed["snapshot"]
    assert kept.startswith("refs/quarterdeck/kept/")
    assert place.git("ls-tree", "--name-only", kept).split() == ["a.txt", "half", "quarterdeck.toml", "src"]
    assert place.git("show", f"{kept}:half") == "done so far"

    ended = place.end()["data"]
    assert ended["outcome"] == "verified"
    assert place.of("merge_done")[0]["agent"] == "builder-2"
    assert place.of("merge_done")[0]["attempt"] == 1  # no attempt was used up
    assert place.status("agents", "builder-1")["held"] == "kill"
    with pytest.raises(CallRefused, match="held"):
        place.client.submit(PauseAgent(agent="builder-1"))

    place.start([task("pinned", agent="builder-1")], pattern="solo")  # held beyond the run
    rest = place.end()
    assert rest["data"]["outcome"] == "needs_human"
    assert "quarterdeck resume builder-1" in rest["data"]["reason"]
    place.client.submit(ResumeAgent(agent="builder-1"))
    assert place.end(after=rest["seq"])["data"]["outcome"] == "verified"
    assert held(place.layout.processes) == {}


def test_a_stopped_agent_hears_it_and_its_work_is_put_aside(place):
    place.project(builders=3)
    gate = place.gate("standing")
    gently = """
import signal
write("half", "so far")
if os.environ["QUARTERDECK_AGENT"] == "builder-1":
    signal.signal(signal.SIGTERM, lambda *_: (write("last", "words"), sys.exit(0)))
    pause_at("standing")
"""
    place.start([task("it", gently)], pattern="solo")
    standing = place.arrive(gate)
    place.client.submit(StopAgent(agent="builder-1"))
    settled = place.client.settled("builder-1", "stopped")[0]
    place.release(standing)
    assert "ended after SIGTERM" in settled["proof"]
    assert place.end()["data"]["outcome"] == "verified"
    assert place.of("merge_done")[0]["agent"] == "builder-2"
    (kept,) = place.of("work_kept", agent="builder-1")
    assert kept["data"]["ref"].startswith("refs/quarterdeck/kept/")
    assert kept["data"]["why"] == "it was stopped by a person"
    assert place.git("show", f"{kept['data']['ref']}:last") == "words"


def test_kill_all_ends_everything_and_the_run_rests(place):
    place.project(review="approve()")
    processes = spinning(place)
    killed = place.client.kill()
    assert {one["agent"]: one["gone"] for one in killed} == {"builder-1": True, "builder-2": True, "reviewer": True}
    assert not any(alive(pid) for pid in processes)
    rest = place.end()["data"]
    assert rest["outcome"] == "needs_human"
    assert "held by a person" in rest["reason"]
    assert len(place.noted("starts")) == 1


def test_a_kill_without_an_engine_is_honoured_by_the_next_one(place):
    """The engine hangs; the kill needs only the records, and what it leaves is a hold."""
    place.project()
    processes = spinning(place)
    engine = place.client.engine.pid
    os.kill(engine, 19)  # SIGSTOP
    killed = kill_recorded(place.layout.processes, ["builder-1"])
    assert [(one.agent, one.proof.gone) for one in killed] == [("builder-1", True)]
    assert not any(alive(pid) for pid in processes)
    place.crash()
    place.until("agent_held", agent="builder-1", how="kill")
    assert place.end()["data"]["outcome"] == "verified"
    assert place.of("merge_done")[0]["agent"] == "builder-2"
    assert place.status("agents", "builder-1")["state"] == "stopped"
