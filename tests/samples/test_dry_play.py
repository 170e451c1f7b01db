"""Each sample's scripts, played in the order of its plan on a copy, judged by its own tests."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.stage import play, run_tests

from engine.agents.player import read_script
from engine.config.load import load
from engine.config.plan import Plan, load_plan, plan_from_agent, to_specs

SAMPLES = Path(__file__).parents[2] / "sample_projects"
NAMES = sorted(folder.name for folder in SAMPLES.iterdir() if (folder / "demo.toml").exists())


def git(project, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "merge.conflictStyle=diff3", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def commit(project):
    git(project, "add", "-A")
    git(project, "commit", "-qm", "change")


@pytest.fixture
def project(request, tmp_path):
    copy = tmp_path / "project"
    shutil.copytree(SAMPLES / request.param / "project", copy, ignore=shutil.ignore_patterns("__pycache__"))
    git(copy, "init", "-qb", "main")
    commit(copy)
    return copy


def sample(name):
    return pytest.mark.parametrize("project", [name], indirect=True)


@pytest.mark.parametrize("project", NAMES, indirect=True)
def test_the_base_passes_its_own_tests(project):
    assert run_tests(project).returncode == 0


@pytest.mark.parametrize("project", NAMES, indirect=True)
def test_its_configuration_and_its_scripts_are_taken(project):
    agents = load(project).agents.values()
    assert {agent.runtime for agent in agents} == {"scripted"}
    for agent in agents:
        assert read_script(project / agent.command[0])


@sample("conflicting_edits")
def test_its_plan_is_taken(project):
    assert [task.id for task in load_plan(project / "plan.toml").task] == ["discount", "tax"]


@sample("hello_fix")
def test_hello_is_mended_with_a_test_that_failed_before(project, tmp_path):
    played = play(project, "scripts/fixer.toml", tmp_path)
    assert played.code == 0, played.output
    assert "1 failed" in played.output
    assert "7 passed" in run_tests(project).stdout


# -- todo_api ----------------------------------------------------------------------------------------------------------


def planned(project, boxes) -> Plan:
    played = play(project, "scripts/planner.toml", boxes, id="plan", role="plan")
    assert played.code == 0, played.output
    return plan_from_agent(played.result.plan)


def build(project, boxes, task, attempt=1, feedback=""):
    told = [{"attempt": attempt - 1, "kind": "check", "text": feedback}] if feedback else []
    played = play(project, "scripts/builder.toml", boxes, id=task, attempt=attempt, feedback=told)
    assert played.code == 0, played.output


def reviewed(project, boxes, task, attempt=1):
    git(project, "add", "-A")
    diff = boxes / "change.diff"
    diff.write_text(git(project, "diff", "--cached", "main")[1])
    change = {"diff": str(diff), "author": "builder-1", "summary": ""}
    played = play(project, "scripts/reviewer.toml", boxes, id=task, role="review", attempt=attempt, change=change)
    assert played.code == 0, played.output
    return played.result.review


@sample("todo_api")
def test_the_plan_is_a_graph_of_eight_with_four_to_start(project, tmp_path):
    specs = to_specs(planned(project, tmp_path))
    assert len(specs) == 8
    assert [spec.id for spec in specs if not spec.after] == ["validate", "due-dates", "tags", "persist"]
    assert all(spec.prompt and spec.touches for spec in specs)


@sample("todo_api")
def test_the_whole_goal_is_reached_with_one_red_check_and_one_rejection(project, tmp_path):
    setbacks = []
    for spec in to_specs(planned(project, tmp_path)):
        attempt = 1
        build(project, tmp_path, spec.id)
        if (red := run_tests(project)).returncode != 0:
            setbacks.append(("red", spec.id))
            attempt = 2
            build(project, tmp_path, spec.id, attempt, red.stdout)
        review = reviewed(project, tmp_path, spec.id, attempt)
        if review.verdict == "reject":
            setbacks.append(("rejected", spec.id))
            attempt += 1
            build(project, tmp_path, spec.id, attempt, review.remarks)
            review = reviewed(project, tmp_path, spec.id, attempt)
        assert review.verdict == "approve"
        assert attempt == 1 or run_tests(project).returncode == 0
        commit(project)
    assert setbacks == [("red", "search"), ("rejected", "cli")]
    assert "50 passed" in run_tests(project).stdout


@sample("todo_api")
def test_the_mended_attempt_fails_without_the_real_feedback(project, tmp_path):
    build(project, tmp_path, "due-dates")
    build(project, tmp_path, "search")
    feedback = [{"attempt": 1, "kind": "check", "text": "something failed"}]
    played = play(project, "scripts/builder.toml", tmp_path, id="search", attempt=2, feedback=feedback)
    assert played.code == 1
    assert "test_text_is_found_whatever_its_case" in played.result.summary


@sample("todo_api")
@pytest.mark.parametrize("order", [("due-dates", "tags"), ("tags", "due-dates")])
@pytest.mark.parametrize("between", [False, True])
def test_due_dates_and_tags_are_brought_together_by_whoever_is_second(project, tmp_path, order, between):
    first, second = order
    for task in (*order, "persist"):
        git(project, "checkout", "-qb", task, "main")
        build(project, tmp_path, task)
        commit(project)
    git(project, "checkout", "-q", second)
    if between:  # another change of the same file came in as well
        assert git(project, "merge", "-q", "--no-edit", "persist")[0] == 0
    assert git(project, "merge", first)[0] == 1
    build(project, tmp_path, second, 2, f"{first} was merged meanwhile")
    commit(project)
    assert run_tests(project).returncode == 0


@sample("todo_api")
@pytest.mark.parametrize("order", [("due-dates", "persist", "validate"), ("tags", "persist", "validate")])
def test_what_runs_in_parallel_merges_in_any_order(project, tmp_path, order):
    for task in order:
        git(project, "checkout", "-qb", task, "main")
        build(project, tmp_path, task)
        commit(project)
    git(project, "checkout", "-q", "main")
    for task in order:
        assert git(project, "merge", "-q", "--no-edit", task)[0] == 0
    assert run_tests(project).returncode == 0


# -- conflicting_edits -------------------------------------------------------------------------------------------------


@sample("conflicting_edits")
@pytest.mark.parametrize("order", [("discount", "tax"), ("tax", "discount")])
def test_the_second_author_keeps_what_both_wanted(project, tmp_path, order):
    first, second = order
    script = {"discount": "scripts/discounter.toml", "tax": "scripts/taxer.toml"}
    for task in order:
        git(project, "checkout", "-qb", task, "main")
        assert play(project, script[task], tmp_path, id=task).code == 0
        commit(project)
    assert git(project, "merge", first)[0] == 1
    sides = [{"path": "prices.py", "ours": git(project, "show", f"{first}:prices.py")[1], "theirs": ""}]
    told = [{"attempt": 1, "kind": "conflict", "text": "prices.py was changed by both", "sides": sides}]
    played = play(project, script[second], tmp_path, id=second, attempt=2, feedback=told)
    assert played.code == 0, played.output
    assert run_tests(project).returncode == 0
    text = (project / "prices.py").read_text()
    assert "taxed(discounted(amount))" in text
