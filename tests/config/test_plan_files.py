"""Plan files, and plans in agents' results: taken whole or refused whole, at their line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.errors import ConfigError
from engine.config.plan import Plan, PlanTask, load_plan, parse_plan, plan_from_agent, to_specs
from engine.core.values import TaskSpec

CONTRACT = """
goal = "…"
[[task]]
id = "other-id"
[[task]]
id = "parse"                  # required; unique; [a-z0-9-]
title = "…"
prompt = "…"                  # what the agent is told
kind = "implement"
needs = ["python"]            # capabilities beyond the kind
after = ["other-id"]          # dependencies
touches = ["src/parse.py"]    # declared paths, for claims and the radar
priority = 0                  # higher first
agent = "builder"             # pins an agent
accept = ["pytest -q tests/test_parse.py"]   # must pass besides the project's gate
review = true                 # default: from the pattern
risk = "low"
"""


def refused(text: str, name: str = "plan.toml") -> str:
    with pytest.raises(ConfigError) as error:
        parse_plan(text, name=name)
    return str(error.value)


def test_the_contract_s_plan_is_read_as_it_says():
    assert to_specs(parse_plan(CONTRACT, name="plan.toml"))[1] == TaskSpec(
        id="parse",
        title="…",
        prompt="…",
        kind="implement",
        needs=("python",),
        after=("other-id",),
        touches=("src/parse.py",),
        priority=0,
        agent="builder",
        accept=("pytest -q tests/test_parse.py",),
        review=True,
        risk="low",
    )


def test_defaults_are_those_of_the_core_and_an_untitled_task_is_called_by_its_id():
    assert to_specs(parse_plan('[[task]]\nid = "a"', name="p")) == (TaskSpec(id="a", title="a"),)
    assert PlanTask.model_fields.keys() == set(TaskSpec.__struct_fields__)


def test_json_says_the_same():
    data = {"goal": "g", "task": [{"id": "a"}, {"id": "b", "after": ["a"]}]}
    plan = parse_plan(json.dumps(data), name="plan.json")
    assert plan == plan_from_agent(data)
    assert plan == Plan(goal="g", task=(PlanTask(id="a"), PlanTask(id="b", after=("a",))))


BAD = {
    "unknown field": (
        'goal = "g"\n[[task]]\nid = "parse"\naftr = ["x"]\n',
        'plan.toml:4: task "parse": field "aftr": unknown (did you mean "after"?)',
    ),
    "unknown field like nothing": (
        '[[task]]\nid = "a"\nzzz = 1\n',
        (
            'plan.toml:3: task "a": field "zzz": unknown (known: accept, after, agent, budget, id, kind, needs, priority, '
            "prompt, review, risk, tier, title, touches)"
        ),
    ),
    "unknown at the top": (
        'tasks = []\n[[task]]\nid="a"',
        'plan.toml:1: field "tasks": unknown (did you mean "task"?)',
    ),
    "no id": ('[[task]]\n\ntitle = "x"\n', 'plan.toml:1: task 1: field "id": is required'),
    "wrong types": (
        '[[task]]\nid = "a"\npriority = "3"\nneeds = "x"\nreview = 1\ntitle = 3\n',
        (
            'plan.toml:3: task "a": field "priority": must be a whole number, not "3"\n'
            'plan.toml:4: task "a": field "needs": must be a list, not "x"\n'
            'plan.toml:5: task "a": field "review": must be true or false, not 1\n'
            'plan.toml:6: task "a": field "title": must be a text, not 3'
        ),
    ),
    "wrong risk": (
        '[[task]]\nid = "a"\nrisk = "none"\n',
        'plan.toml:3: task "a": field "risk": must be "low", "medium" or "high", not "none"',
    ),
    "spaces in a capability": (
        '[[task]]\nid = "a"\nneeds = [\n  "b",\n  "c d",\n]\n',
        'plan.toml:5: task "a": field "needs": must be one word without spaces, not "c d"',
    ),
    "blank accept": (
        '[[task]]\nid = "a"\naccept = [" "]\n',
        'plan.toml:3: task "a": field "accept": must not be blank',
    ),
    "cycle": (
        '[[task]]\nid = "a"\nafter = ["b"]\n[[task]]\nid = "b"\nafter = ["a"]\n',
        (
            'plan.toml:3: task "a": field "after": cycle: a -> b -> a (each waits for the next); '
            "take one of these dependencies out"
        ),
    ),
    "unknown dependency": (
        '[[task]]\nid = "a"\nafter = ["gone"]\n',
        'plan.toml:3: task "a": field "after": there is no task "gone"',
    ),
    "duplicate": (
        '[[task]]\nid = "a"\n[[task]]\nid = "a"\n',
        'plan.toml:4: task "a": field "id": given to two tasks',
    ),
    "bad id": (
        '[[task]]\nid = "A b"\n',
        'plan.toml:2: task "A b": field "id": "A b" is no id; write a-z, 0-9 and "-", at most 100',
    ),
    "path outside": (
        '[[task]]\nid = "a"\ntouches = ["../x"]\n',
        (
            'plan.toml:3: task "a": field "touches": "../x" is not inside the repository; '
            'write a path relative to its root, without ".."'
        ),
    ),
    "no tasks": ('goal = "g"\n', "plan.toml: a plan without tasks; give at least one [[task]]"),
    "nothing": ("", "plan.toml: a plan without tasks; give at least one [[task]]"),
    "tasks that are none": ("task = [3]\n", "plan.toml:1: task 1: must be a table, not 3"),
    "syntax": ('goal = "g"\nx = = 1\n', "plan.toml:2: is not TOML: Invalid value"),
    "cut off": ('goal = "g', "plan.toml:1: is not TOML: Unterminated string"),
    "depth": ("a = " + "[" * 100_000, "plan.toml: is nested too deeply"),
    "json syntax": ('{"goal":\n "x" "y"}', "plan.toml:2: is not JSON: Expecting ',' delimiter"),
    "json depth": ('{"a":' + "[" * 100_000, "plan.toml: is nested too deeply"),
    "json key twice": ('{"goal": "x", "goal": "y"}', 'plan.toml: "goal" is given twice in one object'),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_plans_are_refused_naming_file_line_and_field(name):
    text, message = BAD[name]
    assert refused(text) == message


def test_json_complaints_have_lines_too():
    text = json.dumps({"task": [{"id": "a"}, {"id": "b", "after": ["c"]}]}, indent=1)
    line = text.split("\n").index('   "after": [') + 1
    assert refused(text, "p.json") == f'p.json:{line}: task "b": field "after": there is no task "c"'


def test_many_complaints_are_cut_short_but_kept():
    with pytest.raises(ConfigError) as error:
        parse_plan("".join(f'[[task]]\nid = "a{n}"\nx = 1\n' for n in range(50)), name="p")
    assert str(error.value).split("\n")[-1] == "and 30 more"
    assert len(error.value.also) == 49
    assert [found.line for found in error.value.also[:2]] == [6, 9]


def test_an_agent_s_plan_has_no_lines():
    with pytest.raises(ConfigError) as error:
        plan_from_agent({"task": [{"id": "a", "aftr": []}]})
    assert str(error.value) == 'plan: task "a": field "aftr": unknown (did you mean "after"?)'
    assert (error.value.line, error.value.place, error.value.field) == (None, 'task "a"', "aftr")


def test_files_are_read_by_suffix_then_content(tmp_path):
    (tmp_path / "p.toml").write_text('[[task]]\nid = "a"\n')
    (tmp_path / "p.json").write_text('\ufeff{"task": [{"id": "a"}]}', encoding="utf-8")
    (tmp_path / "plan").write_text('\n{"task": [{"id": "a"}]}')
    plans = {load_plan(tmp_path / name) for name in ("p.toml", "p.json", "plan")}
    assert plans == {Plan(task=(PlanTask(id="a"),))}
    (tmp_path / "q.toml").write_text("{}")
    with pytest.raises(ConfigError, match=r"q\.toml:1: is not TOML"):
        load_plan(tmp_path / "q.toml")


def test_a_dash_is_the_text_given():
    assert load_plan("-", stdin='[[task]]\nid = "a"') == Plan(task=(PlanTask(id="a"),))
    with pytest.raises(ConfigError) as error:
        load_plan("-", stdin="x = 1")
    assert str(error.value).startswith('standard input:1: field "x": unknown')


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b'goal = "x"\nid = "\xe9"\n')
    for name, message in (
        ("gone.toml", f"{tmp_path / 'gone.toml'}: cannot be read: No such file or directory"),
        (".", f"{tmp_path}: cannot be read: Is a directory"),
        ("latin.toml", f"{tmp_path / 'latin.toml'}:2: is not UTF-8 text"),
    ):
        with pytest.raises(ConfigError) as error:
            load_plan(tmp_path / name)
        assert str(error.value) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "after", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["goal", "task", "x"]), JSON | st.lists(JSON, max_size=3)))
def test_whatever_an_agent_gives_is_a_plan_or_refused(data):
    try:
        plan = plan_from_agent(data)
    except ConfigError:
        return
    assert plan.task


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_whatever_text_is_a_plan_or_refused(text):
    try:
        plan = parse_plan(text, name="p")
    except ConfigError:
        return
    assert plan.task
