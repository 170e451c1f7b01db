"""Each wrong input gets one clear refusal with the way out and its exit code, and leaves everything as it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.engines import task
from support.repos import git, save

from engine.api.calls import CallRefused
from engine.api.launch import ensure
from engine.core.commands import AddTasks, CancelTask, RetryTask
from engine.core.values import TaskSpec
from workspaces.errors import WorkspaceError

PLANS = {
    "cycle": (
        '[[task]]\nid = "a"\nafter = ["c"]\n[[task]]\nid = "b"\nafter = ["a"]\n[[task]]\nid = "c"\nafter = ["b"]\n',
        ("plan.toml:3", "a -> c -> b -> a"),
    ),
    "unknown field": ('[[task]]\nid = "a"\ncolour = "red"\n', ("plan.toml:3", "colour")),
    "unknown dependency": ('[[task]]\nid = "a"\nafter = ["ghost"]\n', ("plan.toml:3", "ghost")),
    "duplicate id": ('[[task]]\nid = "a"\n[[task]]\nid = "a"\n', ("plan.toml:4", "given to two tasks")),
    "capability nobody has": ('[[task]]\nid = "a"\nkind = "sing"\n', ('task "a"', 'nobody does "sing"', "`does`")),
    "pinned to nobody": ('[[task]]\nid = "a"\nagent = "ghost"\n', ('there is no agent "ghost"',)),
    "empty": ('goal = "nothing"\n', ("a plan without tasks",)),
    "no TOML": ("[[task]\n", ("plan.toml:1",)),
}


def refused(place, **request):
    """What the engine says to this request, and its exit code."""
    with pytest.raises(CallRefused) as no:
        place.start(**request)
    return no.value.reason, no.value.exit_code


def untouched(place):
    """The person's repository and work are as if nothing had been asked."""
    refs = place.git("for-each-ref", "refs/quarterdeck", "refs/notes")
    return place.git("status", "--porcelain") == "" and refs == ""


def test_a_bad_request_is_refused_whole(place):
    place.project()
    for name, (plan, says) in PLANS.items():
        reason, code = refused(place, plan=plan, plan_name="plan.toml")
        assert [words for words in says if words not in reason] == [], name
        assert code == 2
    requests = {
        "say what is to be done": {},
        'there is no agent "ghost"': {"goal": "x", "agent": "ghost"},
        'no pattern "waltz"': {"goal": "x", "pattern": "waltz"},
        "lots": {"goal": "x", "budget": "lots"},
        "no branch ghost": {"goal": "x", "target": "ghost"},
        "no unfinished run": {"resume": True},
        "nobody but the author": {"goal": "x", "plan": '[[task]]\nid = "a"\nreview = true\n'},
    }
    for says, request in requests.items():
        reason, code = refused(place, **request)
        assert says in reason
        assert code == 2
    assert untouched(place)
    assert place.client.status()["run"] is None


def test_a_bad_project_is_refused_with_its_line(place):
    reason, code = refused(place, goal="x")
    assert ("quarterdeck.toml" in reason, "quarterdeck init" in reason, code) == (True, True, 2)
    projects = {
        "check": "[project]\ntarget = 'main'\n",
        "quarterdeck.toml:3": "[project]\ncheck = ['true']\nchek = ['true']\n",
        'there is "python3" here': "[project]\ncheck = ['python -m pytest']\n[agents.a]\nruntime='command'\ncommand=['true']\n",
        "definitely-not-here": "[project]\ncheck=['true']\n[agents.a]\nruntime='command'\ncommand=['definitely-not-here']\n",
        "no agent is configured": "[project]\ncheck = ['true']\n",
    }
    programs = place.folder / "bin"
    programs.mkdir()
    for name in ("sh", "true", "git", "python3"):
        (programs / name).symlink_to(next(p for d in os.defpath.split(":") if (p := Path(d) / name).exists()))
    for says, text in projects.items():
        save(place.root, {"quarterdeck.toml": text})
        reason, code = refused(place, goal="x", pattern="solo", path=str(programs))
        assert says in reason
        assert code == 2
    assert untouched(place)


def test_repositories_that_can_not_be_worked_in_are_said_so(place, monkeypatch):
    empty = place.folder / "empty"
    git(place.folder, "init", "-q", str(empty))
    plain = place.folder / "plain"
    plain.mkdir()
    old = place.folder / "old"
    old.mkdir()
    (old / "git").write_text(
        '#!/bin/sh\n[ "$1" = -C ] && exec /usr/bin/env -i PATH=/usr/bin:/bin git "$@"\necho git version 2.30.2\n'
    )
    (old / "git").chmod(0o755)
    with pytest.raises(WorkspaceError, match="git init"):
        ensure(plain)
    with pytest.raises(CallRefused, match="no commit") as no:
        ensure(empty)
    assert no.value.exit_code == 2
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{old}:{os.environ['PATH']}")
        with pytest.raises(CallRefused, match=r"2\.30.*2\.38") as no:
            ensure(place.root)
    assert no.value.exit_code == 2
    place.git("checkout", "-q", "--detach")
    place.project()
    reason, code = refused(place, goal="x")
    assert ("detached" in reason.lower() or "HEAD" in reason, code) == (True, 2)
    assert untouched(place)


def test_unusual_repositories_are_said_with_what_works(place):
    place.project()
    place.commit({".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "big.bin": "pointer\n"})
    place.commit({".gitmodules": '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n'})
    place.git("config", "remote.origin.promisor", "true")
    place.start([task("it")], pattern="solo")
    assert place.end()["data"]["outcome"] == "verified"
    said = " | ".join(e["data"]["text"] for e in place.of("notice_given"))
    assert all(word in said for word in ("submodules:", "Git LFS:", "partial clone:"))


def test_one_run_and_one_engine_at_a_time(place):
    """A second run is refused and changes nothing of the first; a second engine finds the first."""
    place.project()
    gate = place.gate("standing")
    run = place.start([task("it", "pause_at('standing'); write('it', '')")], pattern="solo")
    standing = place.arrive(gate)
    reason, code = refused(place, goal="another")
    assert code == 2
    assert all(words in reason for words in (run, "--resume", "log --follow", "down"))
    with ensure(place.root) as other:
        assert other.engine.pid == place.client.engine.pid
    second = subprocess.run(
        [sys.executable, "-m", "engine.daemon", str(place.root)], capture_output=True, timeout=20, check=False
    )
    assert second.returncode == 2

    twice = AddTasks(tasks=(TaskSpec(id="new", title=""), TaskSpec(id="it", title="")))
    for request, says in (
        (twice, "the run has this task already"),
        (AddTasks(tasks=(TaskSpec(id="new", title="", kind="sing"),)), 'nobody does "sing"'),
        (CancelTask(task="ghost"), 'no task "ghost"'),
        (RetryTask(task="it", version=0), "has changed since you looked"),
    ):
        with pytest.raises(CallRefused, match=says):
            place.client.submit(request)
    place.release(standing)
    place.run = run
    ended = place.end()["data"]
    assert (ended["outcome"], ended["tasks"]) == ("verified", {"it": "done"})


def test_a_linked_work_tree_leads_to_the_same_engine(place):
    place.project()
    linked = place.folder / "linked"
    place.git("worktree", "add", "-q", "--detach", str(linked))
    with ensure(linked) as other:
        assert other.engine.pid == place.client.engine.pid
