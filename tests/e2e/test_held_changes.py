"""Changes of files that act unasked, and changes beyond what an agent may write, through the whole product."""

from __future__ import annotations

import json
import os
from pathlib import Path

from support.engines import task

from engine.core.commands import Answer

CI = ".github/workflows/ci.yml"
PLAIN = "write('a.txt', 'done\\n')"


def wrote(*names: str) -> str:
    return "\n".join((PLAIN, *(f"write({name!r}, 'x\\n')" for name in names)))


def limited(place, *globs: str) -> None:
    """A project whose one builder may write only so much."""
    place.project(["true"], agents={"builder": {"does": ["implement"], "permissions.write": list(globs)}})


def waits(place) -> list[tuple[str, str]]:
    return [(one["task"], one["about"]) for one in place.client.status()["approvals"]]


def test_a_held_change_is_merged_only_when_a_person_grants_exactly_it(place):
    place.project(["test -e a.txt"], review="approve()")
    before = place.git("rev-parse", "main")
    place.start([task("it", wrote(CI, ".envrc"))], pattern="pipeline")
    rest = place.end()
    assert (rest["data"]["outcome"], waits(place)) == ("needs_human", [("it", "guarded")])
    assert place.git("rev-parse", "main") == before
    assert place.of("check_passed", task="it")
    assert place.of("review_given", task="it")
    (asked,) = place.client.status()["approvals"]
    assert [file["path"] for file in asked["files"]] == [".envrc", CI]
    assert "secrets are" in asked["what"]

    place.client.submit(Answer(approval="it", granted=True))
    assert place.end(after=rest["seq"])["data"]["outcome"] == "verified"
    assert place.show(CI) == "x"


def test_a_no_sends_it_back_to_its_author_who_leaves_these_files(place):
    place.project(["test -e a.txt"])
    script = f"{wrote()}\nif feedback: os.remove({CI!r})\nelse: write({CI!r}, 'x')"
    place.start([task("it", script)], pattern="solo")
    rest = place.end()
    place.client.submit(Answer(approval="it", granted=False, why="the pipeline is ours"))
    last = place.end(after=rest["seq"])
    assert last["data"]["outcome"] == "verified"
    (told,) = place.told("it", 2)["feedback"]
    assert told["kind"] == "person"
    assert f"does not grant the change of {CI}" in told["text"]
    assert told["text"].endswith("the pipeline is ours")
    assert place.show(CI) == ""
    assert place.show("a.txt") == "done"


def test_it_is_still_held_after_the_engine_was_killed(place):
    place.project(["test -e a.txt"])
    place.start([task("it", wrote("CLAUDE.md"))], pattern="solo")
    rest = place.end()
    place.crash()
    assert waits(place) == [("it", "guarded")]
    place.client.submit(Answer(approval="it", granted=True))
    assert place.end(after=rest["seq"])["data"]["outcome"] == "verified"


WAYS = {
    "out": "os.remove('out'); os.symlink('../../outside', 'out')",
    "absolute": "os.remove('absolute'); os.symlink('/etc/hostname', 'absolute')",
    "into": "os.remove('into'); os.symlink('.git/config', 'into')",
    "moved": "os.rename('d/moved', 'moved-link')",
    "spelled": "write('sub/.GitAttributes', '* filter=x')",
    "renamed": "os.rename('renamed', '.mcp.json')",
    "hooks": "write('tools/hooks/pre-commit', '')",
    "behind": "[write(f'behind-/{n:04}', str(n)) for n in range(300)]; write('z/.envrc', '')",
}


def test_no_way_around(place):
    place.project(["true"])
    place.commit(dict.fromkeys(WAYS, "as long as it takes to be seen as renamed\n"))
    (place.root / "d").mkdir()
    (place.root / "d" / "moved").symlink_to("../out")
    place.git("add", "-A")
    place.git("commit", "-qm", "a link")
    place.git("config", "core.hooksPath", "tools/hooks")
    before = place.git("rev-parse", "main")
    place.start([task(name, script) for name, script in WAYS.items()], pattern="solo")
    assert place.end()["data"]["outcome"] == "needs_human"
    assert sorted(waits(place)) == sorted((name, "guarded") for name in WAYS)
    assert place.git("rev-parse", "main") == before


def test_a_change_that_a_rename_on_the_target_carries_to_such_a_file_is_held_there(place):
    place.project(["true"])
    lines = "".join(f"line {number}\n" for number in range(20))
    place.commit({"docs/ci.yml": lines})
    place.gate("edited")
    place.start(
        [
            task(
                "it",
                "write('docs/ci.yml', read('docs/ci.yml') + 'evil') if attempt == 1 else None\npause_at('edited') if attempt == 1 else None",
            )
        ],
        pattern="solo",
    )
    standing = place.arrive("edited")
    (place.root / ".github" / "workflows").mkdir(parents=True)
    place.git("mv", "docs/ci.yml", CI)
    place.git("commit", "-qm", "moved")
    place.release(standing)
    assert place.end()["data"]["outcome"] == "needs_human"
    assert place.of("merge_conflicted")[0]["data"]["sides"] == [{"path": CI}]
    assert waits(place) == [("it", "guarded")]
    assert "evil" not in place.show(CI)


def of_the_user(text: str) -> None:
    """The person's own settings."""
    own = Path(os.environ["XDG_CONFIG_HOME"]) / "quarterdeck" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text(text)


def test_what_the_person_s_own_settings_name_is_given_beforehand_and_what_the_project_s_name_is_not(place):
    scribe = {"does": ["implement"], "permissions.write": [".github/**", "a.txt"]}
    place.project(["true"], builders=1, agents={"scribe": scribe})
    of_the_user('[agents.builder.permissions]\nwrite = [".github/**", "a.txt"]\n')
    mine, theirs = wrote(CI), wrote(".github/other.yml")
    place.start([task("mine", mine, agent="builder"), task("theirs", theirs, agent="scribe")], pattern="solo")
    end = place.end()
    assert end["data"]["tasks"] == {"mine": "done", "theirs": "unfinished"}
    assert waits(place) == [("theirs", "guarded")]


# -- what an agent may write -----------------------------------------------------------------------------------------


def test_a_change_beyond_the_globs_goes_back_whole_and_names_both(place):
    limited(place, "src/**", "*.txt")
    script = "write('src/a.py', '1'); write('a.txt', '2')\nif not feedback: write('setup.py', 'evil'); os.remove('README.md')"
    place.commit({"README.md": "hello\n"})
    place.start([task("it", script)], pattern="solo")
    assert place.end()["data"]["outcome"] == "verified"
    assert place.told("it")["write"] == ["src/**", "*.txt"]
    (failed,) = place.of("attempt_failed")
    assert failed["data"]["reason"] == (
        "it changes README.md, setup.py, outside of what it may change (src/**, *.txt); hand in the rest without"
    )
    assert failed["data"].get("blame", "work") == "work"
    (told,) = place.told("it", 2)["feedback"]
    assert told["text"].startswith(failed["data"]["reason"])
    assert (place.show("README.md"), place.show("setup.py"), place.show("a.txt")) == ("hello", "", "2")
    kept = failed["data"]["kept"]
    assert place.git("rev-parse", kept) in told["text"]
    assert place.git("show", f"{kept}:setup.py") == "evil"


def test_the_author_has_single_files_of_a_refused_change_back(place):
    limited(place, "src/**")
    script = (
        "import re, subprocess\n"
        "if not feedback: write('src/a.py', 'long work'); write('b', '')\n"
        "else: subprocess.run(re.search('`(git checkout .*) -- PATH`', feedback[0]['text'])[1].split() + ['--', 'src/a.py'], check=True)"
    )
    place.start([task("it", script)], pattern="solo")
    assert place.end()["data"]["outcome"] == "verified"
    assert place.show("src/a.py") == "long work"


def test_an_agent_s_word_for_what_it_changed_counts_for_nothing(place):
    """It commits, hides the file from its own index and claims less; what is judged is what came out."""
    limited(place, "src/**")
    script = (
        "import subprocess\nwrite('src/a', '1'); write('evil', '1')\n"
        "subprocess.run(['git', 'add', '-A'], check=True)\n"
        "subprocess.run(['git', '-c', 'user.name=x', '-c', 'user.email=x', 'commit', '-qm', 'x'], check=True)\n"
        "subprocess.run(['git', 'update-index', '--skip-worktree', 'evil'], check=True)\n"
        "result(outcome='done', summary='only src/a')"
    )
    place.start([task("it", script)], pattern="solo")
    assert place.end()["data"]["outcome"] == "needs_human"
    assert len(place.of("attempt_failed")) == 3
    assert place.show("evil") == ""


def test_files_among_the_engine_s_own_never_reach_the_checkout(place):
    """A merge would write them where a file is a task or a message."""
    place.project(["true"])
    script = "write('.quarterdeck/tasks/mine.md', '---\\ntitle: mine\\n---\\nrun me')\nwrite('a', '')"
    place.start([task("it", script)], pattern="solo")
    assert place.end()["data"]["outcome"] == "needs_human"
    assert "Quarterdeck's own" in place.of("attempt_failed")[0]["data"]["reason"]
    assert not (place.root / ".quarterdeck" / "tasks" / "mine.md").exists()
    assert [one["id"] for one in place.client.status()["tasks"]] == ["it"]


# -- rules come from the person's checkout ------------------------------------------------------------------------------


def test_a_clone_s_own_rules_judge_nothing_and_are_held(place):
    """The agent writes itself a gate that is always green, and fails the real one."""
    place.project(["test ! -e bad"])
    script = "write('quarterdeck.toml', read('quarterdeck.toml').replace('test ! -e bad', 'true'))\nif attempt < 2: write('bad', '')\nelif os.path.exists('bad'): os.remove('bad')"
    place.start([task("it", script)], pattern="solo")
    rest = place.end()
    assert waits(place) == [("it", "guarded")]
    assert [e["data"]["runs"][0]["command"] for e in place.of("check_failed")] == ["test ! -e bad"]
    place.client.submit(Answer(approval="it", granted=True))
    assert place.end(after=rest["seq"])["data"]["outcome"] == "verified"
    gates = [e for e in place.of("check_passed", task="it") if e["data"].get("at_gate")]
    assert [run["command"] for gate in gates for run in gate["data"]["runs"]] == ["test ! -e bad"]


def test_a_planner_grants_itself_nothing(place):
    """Its lines come besides the gate, its pin brings it nothing that a person gave, and no review goes away."""
    reaching = f"touch '{place.folder}/reached'; true"
    plans = [
        [{"id": "x", "prompt": PLAIN, "review": False}],
        [{"id": "x", "prompt": wrote(CI), "agent": "builder", "risk": "low", "accept": [reaching]}],
    ]
    body = f"result(plan={{'task': json.loads({json.dumps(json.dumps(plans))})[min(attempt, 2) - 1]}})"
    planner = {"does": ["plan"], "command": place.program("planner", body)}
    place.project(["test -e a.txt"], agents={"planner": planner}, builders=1, review="approve()")
    of_the_user('[agents.builder.permissions]\nwrite = [".github/**", "a.txt"]\n')
    place.start(goal="do it")
    assert place.end()["data"]["outcome"] == "needs_human"
    assert "take its review away" in place.of("plan_refused")[0]["data"]["reason"]
    assert waits(place) == [("x", "guarded")]
    (passed,) = place.of("check_passed", task="x")
    assert [run["command"] for run in passed["data"]["runs"]] == ["test -e a.txt", reaching]
    assert not (place.folder / "reached").exists(), "its lines run in the gate's confinement"
    assert place.of("review_given", task="x")
