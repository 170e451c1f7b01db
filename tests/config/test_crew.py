"""Agents as instances, and limits."""

from __future__ import annotations

import pytest

from engine.config.crew import crew, limits
from engine.config.errors import ConfigError
from engine.config.load import parse_settings
from engine.core.values import AgentSpec, Amount

HEAD = '[project]\ncheck = ["true"]\n'


def agent(name: str, more: str = "") -> str:
    return f'[agents.{name}]\nruntime = "command"\ncommand = ["x"]\n{more}\n'


def test_instances_are_numbered_and_one_is_just_its_name():
    settings = parse_settings(HEAD + agent("builder", "instances = 3") + agent("reviewer", 'does = ["review"]'))
    assert [spec.name for spec in crew(settings)] == ["builder-1", "builder-2", "builder-3", "reviewer"]
    assert {spec.pool for spec in crew(settings)} == {"builder", "reviewer"}


def test_an_instance_has_what_its_agent_was_given():
    text = agent("b", 'does = ["a", "b"]\ntier = "large"\nbudget = "1ktok"\npermissions.confine = "strong"')
    text += 'model = "m"\nfallback = ["n", "openai/o"]\n[agents.b.permissions.ask]\n"execute:rm *" = "review"\n'
    assert crew(parse_settings(HEAD + text)) == (
        AgentSpec(
            name="b",
            runtime="command",
            does=("a", "b"),
            pool="b",
            tier="large",
            confine="strong",
            budget=Amount(tokens=1000),
            model="m",
            asks={"execute:rm *": "review"},
            fallback=("n", "openai/o"),
        ),
    )


@pytest.mark.parametrize("order", [1, -1])
def test_two_agents_may_not_share_a_name(order):
    sections = [agent("b", "instances = 2"), agent("b-1")][::order]
    with pytest.raises(ConfigError, match='"b-1" has the name of one of'):
        crew(parse_settings(HEAD + "".join(sections)))


def test_an_instance_may_not_have_the_name_of_another_agent_with_instances():
    with pytest.raises(ConfigError) as error:
        crew(parse_settings(HEAD + agent("b", "instances = 2") + agent("b-1", "instances = 2")))
    assert str(error.value) == (
        'quarterdeck.toml: [agents.b]: its instance "b-1" has the name of one of [agents.b-1]; rename one of them'
    )


def test_limits_are_those_of_the_file():
    text = HEAD + '[limits]\nagents = 2\nattempts = 5\nbudget = "200ktok"\n'
    text += 'task_budget = "1usd"\nday_budget = "9usd"\nwarn_at = [50]\n'
    told = limits(parse_settings(text))
    assert (told.task_budget, told.day_budget, told.warn_at) == (Amount(usd="1"), Amount(usd="9"), (50,))
    assert (told.agents, told.attempts, told.budget) == (2, 5, Amount(tokens=200_000))
