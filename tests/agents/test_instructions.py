"""The document behind QUARTERDECK_TASK, as programs that are agents may rely on it."""

import json
from pathlib import Path

from engine.agents.instructions import plan_instructions, review_instructions, work_instructions
from engine.core.values import AgentSpec, Feedback, Side, TaskSpec

SPEC = TaskSpec(id="parse", title="Parse", prompt="Do it", accept=("true",), touches=("a.py",))
RUN = {"run": "r1", "goal": "all", "target": "main", "base": "b" * 40, "attempt": 2}
COMMON = {
    "id": "parse",
    "title": "Parse",
    "prompt": "Do it",
    "kind": "implement",
    "accept": ["true"],
    "touches": ["a.py"],
    **RUN,
}
FEEDBACK = Feedback(attempt=1, kind="conflict", text="both", by="engine", sides=(Side(path="a", ours="o", theirs="t"),))
TOLD = {
    "attempt": 1,
    "kind": "conflict",
    "text": "both",
    "by": "engine",
    "sides": [{"path": "a", "ours": "o", "theirs": "t"}],
}


def test_work_is_told_the_task_and_what_to_mend():
    told = work_instructions(SPEC, **RUN, feedback=[FEEDBACK])
    assert json.loads(json.dumps(told)) == COMMON | {"role": "work", "feedback": [TOLD], "write": None}


def test_work_is_told_what_may_change():
    assert work_instructions(SPEC, **RUN, write=("src/**",))["write"] == ["src/**"]


def test_a_review_is_told_where_the_change_is_and_whose():
    told = review_instructions(SPEC, **RUN, diff=Path("/x/change.diff"), author="builder-1", summary="did it")
    change = {"diff": "/x/change.diff", "author": "builder-1", "summary": "did it"}
    assert json.loads(json.dumps(told)) == COMMON | {"role": "review", "change": change, "feedback": []}


def test_a_planner_is_told_the_crew():
    crew = [AgentSpec(name="b-1", runtime="command", does=("implement", "python"))]
    told = plan_instructions(SPEC, **RUN, crew=crew)
    assert told["role"] == "plan"
    assert json.loads(json.dumps(told["crew"])) == [{"name": "b-1", "does": ["implement", "python"]}]
