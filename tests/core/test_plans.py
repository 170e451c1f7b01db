"""Plans as graphs: what is found wrong, and what a crew lacks."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.plans import MOST_TASKS, Problem, missing_capabilities, problems
from engine.core.values import AgentSpec, TaskSpec


def task(name: str, *after: str, **fields) -> TaskSpec:
    return TaskSpec(id=name, title=name, after=after, **fields)


def agent(name: str, *does: str, pool: str = "") -> AgentSpec:
    return AgentSpec(name=name, runtime="command", does=does, pool=pool or name)


def texts(found: list[Problem]) -> list[str]:
    return [problem.text for problem in found]


def kinds(found: list[Problem]) -> list[str]:
    return [problem.kind for problem in found]


# -- the graph -------------------------------------------------------------------------------------------------------


def test_a_sound_plan_has_no_problems():
    assert problems([task("a"), task("b", "a"), task("c", "a", "b")]) == []


def test_an_empty_plan_is_a_problem():
    assert texts(problems([])) == ["a plan without tasks"]


def test_too_many_tasks_are_counted_and_nothing_else_is_looked_at():
    found = problems([task("same")] * (MOST_TASKS + 1))
    assert texts(found) == ["10001 tasks are too many; the most is 10000"]


def test_the_most_tasks_in_one_chain_are_fine():
    chain = [task("t0"), *(task(f"t{n}", f"t{n - 1}") for n in range(1, MOST_TASKS))]
    assert problems(chain) == []


def test_a_cycle_is_named_along_the_dependencies():
    found = problems([task("a", "b"), task("b", "a")])
    assert texts(found) == ["cycle: a -> b -> a (each waits for the next)"]
    assert (found[0].kind, found[0].task, found[0].index, found[0].field) == ("cycle", "a", 0, "after")


def test_a_cycle_begins_with_its_first_task_of_the_plan_and_leaves_out_what_only_leads_to_it():
    found = problems([task("start", "z"), task("m", "x"), task("z", "m"), task("x", "z")])
    assert texts(found) == ["cycle: m -> x -> z -> m (each waits for the next)"]


def test_a_task_that_waits_for_itself_is_a_cycle():
    assert texts(problems([task("a", "a")])) == ["cycle: a -> a (each waits for the next)"]


def test_a_dependency_on_nothing_is_named_and_one_on_the_run_is_fine():
    assert texts(problems([task("a", "gone")])) == ['there is no task "gone"']
    assert problems([task("a", "there")], known={"there"}) == []


def test_duplicates_are_told_at_the_second_and_against_the_run():
    assert [(p.kind, p.index) for p in problems([task("a"), task("a")])] == [("duplicate", 1)]
    assert texts(problems([task("a")], known=["a"])) == ["the run has this task already"]


@pytest.mark.parametrize("name", ["", "A", "a_b", "a b", "a/b", "..", "ä", "a\n", "a" * 101])
def test_ids_that_could_not_be_file_names_are_refused(name):
    assert kinds(problems([task(name)])) == ["id"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "src/../../x", "", " ", "a\0b", ".."])
def test_declared_paths_stay_inside(path):
    assert kinds(problems([task("a", touches=(path,))])) == ["path"]


@pytest.mark.parametrize("path", ["src/parse.py", "src/**", "a..b", "./x", ".github/x"])
def test_paths_inside_are_fine(path):
    assert problems([task("a", touches=(path,))]) == []


NAMES = [f"t{n}" for n in range(7)]
GRAPHS = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)), min_size=1)


def has_cycle(graph: dict[str, set[str]]) -> bool:
    """Taking away what waits for nothing, again and again, leaves something: the textbook's other method."""
    left = dict(graph)
    while free := [name for name, after in left.items() if not after & left.keys()]:
        for name in free:
            del left[name]
    return bool(left)


@given(GRAPHS)
def test_a_cycle_is_found_exactly_when_there_is_one_and_it_is_real(graph):
    specs = [task(name, *sorted(after)) for name, after in graph.items()]
    found = problems(specs, known=others(graph))
    assert bool(found) == has_cycle(graph)
    for problem in found:
        ring = problem.text.removeprefix("cycle: ").split(" (")[0].split(" -> ")
        assert ring[0] == ring[-1] == problem.task
        assert len(set(ring)) == len(ring) - 1
        assert all(there in graph[here] for here, there in pairwise(ring))
        assert problem.index == min(list(graph).index(name) for name in ring)


def others(graph: dict[str, set[str]]) -> set[str]:
    return set(NAMES) - graph.keys()


@given(st.lists(st.builds(task, st.text(max_size=4), st.text(max_size=4)), max_size=6), st.sets(st.text(max_size=4)))
def test_whatever_the_tasks_say_it_only_finds(specs, known):
    for problem in problems(specs, known):
        assert problem.text
        assert problem.index is None or specs[problem.index].id == problem.task


# -- the crew --------------------------------------------------------------------------------------------------------

BUILDER = agent("builder", "implement", "python")
REVIEWER = agent("reviewer", "review")


def lacking(crew, specs, pattern="pipeline", review=True):
    return [(p.task, p.text) for p in missing_capabilities(crew, specs, pattern, review=review)]


def test_a_crew_that_can_lacks_nothing():
    assert lacking([BUILDER, REVIEWER], [task("a", needs=("python",))]) == []


def test_no_crew_at_all():
    assert lacking([], [task("a")]) == [("", "no agent is configured")]


def test_a_kind_nobody_does():
    found = missing_capabilities([BUILDER, REVIEWER], [task("a", kind="design")], "pipeline", review=True)
    assert [(p.field, p.text) for p in found] == [("kind", 'nobody does "design"')]
    assert found[0].way_out == 'add "design" to the `does` of an agent'


def test_a_need_nobody_has():
    found = missing_capabilities([BUILDER], [task("a", needs=("rust", "sql"))], "solo", review=True)
    assert [(p.field, p.text) for p in found] == [("needs", 'nobody does "rust" and "sql"')]


def test_capabilities_must_come_together_in_one_agent():
    crew = [agent("a", "implement"), agent("b", "rust")]
    assert lacking(crew, [task("x", needs=("rust",))], "solo") == [("x", 'nobody does "implement" and "rust" together')]


def test_a_pin_names_an_instance_or_its_agent():
    crew = [agent("builder-1", "implement", pool="builder"), agent("other", "implement", "rust")]
    assert lacking(crew, [task("a", agent="builder"), task("b", agent="builder-1")], "solo") == []
    assert lacking(crew, [task("a", agent="bilder")], "solo") == [("a", 'there is no agent "bilder"')]
    assert lacking(crew, [task("a", agent="builder", needs=("rust",))], "solo") == [
        ("a", 'agent "builder" does not do "rust"')
    ]


def test_a_review_needs_another_than_the_author():
    alone = agent("all", "implement", "review")
    nobody = ("a", 'nobody but the author does "review"')
    assert lacking([BUILDER], [task("a")]) == [nobody]
    assert lacking([alone], [task("a")]) == [nobody]
    assert lacking([alone, agent("two", "implement", "review")], [task("a")]) == []
    assert lacking([alone, BUILDER], [task("a", agent="all")]) == [nobody]


def test_who_wants_a_review_is_the_task_then_the_setting_then_the_pattern():
    assert lacking([BUILDER], [task("a")], review=False) == []
    assert lacking([BUILDER], [task("a")], "solo") == []
    assert len(lacking([BUILDER], [task("a", review=True)], "solo", review=False)) == 1
    assert lacking([BUILDER], [task("a", review=False)]) == []


def test_without_a_reviewer_the_way_out_is_the_setting():
    found = missing_capabilities([BUILDER], [task("a")], "parallel", review=True)
    assert found[0].way_out == "add an agent that does it, or write `review = false` under [project]"


def test_without_a_plan_somebody_plans_or_in_solo_implements():
    assert lacking([BUILDER, REVIEWER], []) == [("", 'nobody does "plan", and no plan was given')]
    assert lacking([agent("p", "plan"), BUILDER, REVIEWER], []) == []
    assert lacking([agent("p", "plan"), BUILDER], []) == [("", 'nobody but the author does "review"')]
    assert lacking([BUILDER], [], "solo") == []
    assert lacking([REVIEWER], [], "solo") == [("goal", 'nobody does "implement"')]


def test_the_core_and_amounts_load_no_pydantic():
    code = "import sys, engine.core.plans, engine.core.amounts; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
