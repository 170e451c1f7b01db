"""Work that a kill cut short is kept whatever the agent planted, brought back, and gone on with."""

import json
import os
import signal
import time

from support.desk import told
from support.engines import task

from engine.core.commands import ResumeAgent
from engine.processes.last_resort import kill_recorded

HALF = """
import subprocess
if not os.path.exists("half"):
    write("half", "half done\\n")
    write("a.txt", "edited\\n")
    write("staged.txt", "staged\\n")
    subprocess.run(["git", "add", "staged.txt"], check=True)
    TRAP
    pause_at("standing")
note("found", str(os.path.exists("half")))
write("rest", "rest\\n")
"""
TRAP = """
    write("slow.sh", "#!/bin/sh\\ntouch ran; exec sleep 600\\n")
    os.chmod("slow.sh", 0o755)
    write(".gitattributes", "* filter=slow\\n")
    slow = os.path.abspath("slow.sh")
    for name in ("filter.slow.clean", "filter.slow.process", "core.fsmonitor"):
        subprocess.run(["git", "config", name, slow], check=True)
    os.mkfifo("pipe")
    write("closed/in.txt", "in\\n")
    os.chmod("closed", 0)
    open(".git/index.lock", "w").close()
"""


def killed(place, trap="", **more):
    """A run with one builder that is killed in the midst of its work; what the kill said."""
    place.project(builders=1, **more)
    gate = place.gate("standing")
    place.start([task("it", HALF.replace("    TRAP\n", trap.strip("\n") + "\n" if trap else ""))], pattern="solo")
    standing = place.arrive(gate)
    (found,) = place.client.kill("builder")
    place.release(standing)
    return found


def test_a_filter_that_sleeps_holds_up_neither_the_kill_nor_what_is_kept(place):
    began = time.monotonic()
    found = killed(place, TRAP)
    assert time.monotonic() - began < 15
    assert found["gone"]
    ref = found["snapshot"]
    names = place.git("ls-tree", "-r", "--name-only", ref).split()
    assert {"half", "a.txt", "staged.txt", "slow.sh", ".gitattributes", "closed/in.txt"} <= set(names)
    assert "ran" not in names
    kept = place.until("work_kept")
    assert (kept["data"]["why"], kept["task"], kept["agent"]) == ("it was killed by a person", "it", "builder")
    assert kept["data"]["left"] == ["pipe (a pipe, not a file)"]


def test_what_was_killed_is_brought_back_and_its_task_goes_on_with_it(place):
    found = killed(place)
    place.end()
    listed = json.loads(told(place, "undo", "--json").stdout)
    (one,) = listed["kept"]
    assert (one["ref"], one["task"], one["agent"], one["files"]) == (found["snapshot"], "it", "builder", 3)
    done = told(place, "undo", one["id"])
    assert done.returncode == 0, done.stderr
    assert "is the branch quarterdeck/kept/it-1 now" in done.stdout
    assert "the next round of it begins with it" in done.stdout
    assert place.git("show", "quarterdeck/kept/it-1:half") == "half done"
    back = place.until("work_brought_back")
    assert (back["data"]["carried"], back["task"]) == (True, "it")

    place.client.submit(ResumeAgent(agent="builder"))
    assert place.end(after=back["seq"])["data"]["outcome"] == "verified"
    assert place.noted("found") == ["True"]
    assert place.show("half") == "half done"
    assert place.show("rest") == "rest"
    assert place.git("rev-parse", "quarterdeck/kept/it-1") == one["commit"]


def test_what_is_brought_back_without_an_engine_is_gone_on_with_by_the_next(place):
    killed(place)
    place.end()
    place.down()
    (one,) = json.loads(told(place, "undo", "--json").stdout)["kept"]
    done = told(place, "undo", one["id"], "--json")
    assert json.loads(done.stdout)["carried"] is True, done.stderr
    assert place.git("rev-parse", "quarterdeck/kept/it-1") == one["commit"]
    seq = place.seen[-1]["seq"]
    place.start(resume=True)
    place.client.submit(ResumeAgent(agent="builder"))
    assert place.until("work_brought_back")["data"]["carried"] is True
    rest = place.end(after=seq)
    while rest["data"]["outcome"] != "verified":
        rest = place.end(after=rest["seq"])
    assert place.noted("found") == ["True"]
    assert place.git("for-each-ref", "refs/quarterdeck/wanted") == ""


def test_what_was_killed_without_an_engine_is_said_and_kept_by_the_next(place):
    place.project(builders=1)
    gate = place.gate("standing")
    place.start([task("it", HALF.replace("    TRAP\n", ""))], pattern="solo")
    standing = place.arrive(gate)
    os.kill(place.client.engine.pid, signal.SIGSTOP)
    assert all(one.proof.gone for one in kill_recorded(place.layout.processes, ["builder"]))
    place.crash()
    place.release(standing)
    assert told(place, "undo").stdout == "it 1: in the clone of builder, kept when the engine starts\n"
    assert place.client.engine.pid  # another engine is up
    (one,) = json.loads(told(place, "undo", "--json").stdout)["kept"]
    assert one["why"] == "it was ended while no engine was there"
    assert place.git("show", f"{one['ref']}:half") == "half done"
    assert place.until("work_kept")["data"]["ref"] == one["ref"]


def test_what_a_reviewer_changes_is_kept_apart_from_the_work(place):
    place.project(builders=1, review="write('a.txt', 'my own idea')\napprove()")
    place.start([task("it")], pattern="pipeline")
    assert place.end()["data"]["outcome"] == "verified"
    place.until("work_kept")
    (kept,) = json.loads(told(place, "undo", "--json").stdout)["kept"]
    assert (kept["kind"], kept["agent"], kept["task"]) == ("review", "reviewer", "it")
    assert place.git("diff", "--name-only", f"{kept['ref']}^", kept["ref"]).split() == ["a.txt", "it.txt"]
    assert place.show("a.txt") != "my own idea"


def test_the_work_of_an_engine_that_died_is_kept_before_it_is_begun_again(place):
    """The clone is prepared anew for the next step, and nothing of it is lost by that."""
    place.project(builders=1)
    gate = place.gate("standing")
    place.start([task("it", HALF.replace("    TRAP\n", ""))], pattern="solo")
    place.until("attempt_started")
    standing = place.arrive(gate)
    place.crash()
    place.release(standing)
    assert place.client.engine.pid  # another engine is up
    place.let_go(gate)  # the same, begun anew in a clean clone
    kept = place.until("work_kept")
    assert place.git("show", f"{kept['data']['ref']}:half") == "half done"
    assert place.end()["data"]["outcome"] == "verified"
