"""What the user asks for at least, no project lowers; one log-in is not for several homes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.document import parse
from engine.config.errors import ConfigError
from engine.config.floors import LEVELS, least
from engine.config.load import combine
from engine.core.values import Amount

HEAD = '[project]\ncheck = ["true"]\n'
AGENT = '[agents.a]\nruntime = "claude"\n'


def settings(project: str, user: str = ""):
    return combine(
        parse(HEAD + project, name="quarterdeck.toml", fmt="toml"), parse(user, name="config.toml", fmt="toml")
    )


def asked(project: str, user: str) -> dict[str, str]:
    table = "[agents.a.permissions.ask]\n"
    return settings(AGENT + table + project, table + user if user else "").agents["a"].permissions.ask


def test_the_project_s_word_holds_where_the_user_says_nothing():
    assert asked('execute = "auto"\n"execute:git push*" = "review"\n', "") == {
        "execute": "auto",
        "execute:git push*": "review",
    }


@pytest.mark.parametrize(
    ("user", "project", "holds"),
    [
        ('execute = "confirm"', 'execute = "auto"', {"execute": "confirm"}),
        ('execute = "confirm"', 'execute = "review"', {"execute": "review"}),
        ('execute = "review"', '"execute:rm *" = "auto"', {"execute": "review", "execute:rm *": "review"}),
        (
            '"execute:rm *" = "review"',
            '"execute:rm -rf *" = "auto"',
            {"execute:rm *": "review", "execute:rm -rf *": "review"},
        ),
        ('"*" = "confirm"', 'edit = "auto"', {"*": "confirm", "edit": "confirm"}),
        (
            '"*" = "confirm"\nedit = "auto"',
            '"edit:src/**" = "auto"',
            {"*": "confirm", "edit": "auto", "edit:src/**": "auto"},
        ),
        ('edit = "confirm"', 'read = "auto"', {"edit": "confirm", "read": "auto"}),
    ],
)
def test_a_project_is_never_laxer_than_the_user_about_the_same_kind_of_tool(user, project, holds):
    assert asked(project + "\n", user + "\n") == holds


@given(
    user=st.dictionaries(st.sampled_from(["*", "execute", "execute:a*", "edit"]), st.sampled_from(LEVELS)),
    project=st.dictionaries(
        st.sampled_from(["*", "execute", "execute:a*", "execute:ab*", "edit"]), st.sampled_from(LEVELS)
    ),
)
def test_no_word_of_a_project_is_below_the_user_s_own(user, project):
    table = "[agents.a.permissions.ask]\n"
    written = [table + "".join(f'"{key}" = "{level}"\n' for key, level in one.items()) for one in (project, user)]
    holds = settings(AGENT + written[0], written[1]).agents["a"].permissions.ask
    for key, level in user.items():
        assert LEVELS.index(holds[key]) >= LEVELS.index(level)
    for key, level in project.items():
        assert LEVELS.index(holds[key]) >= LEVELS.index(level)
    if "execute" in user and "execute:a*" not in user and "execute:ab*" in project:
        assert LEVELS.index(holds["execute:ab*"]) >= LEVELS.index(user["execute"])


@pytest.mark.parametrize(
    "key", ["exec", "execute:", "execute: ", "*:x", "", "edit:!src", "execute:a\\nb", ":x", "Execute"]
)
def test_a_tool_that_is_none_is_refused(key):
    with pytest.raises(ConfigError, match=r"quarterdeck\.toml:6: \[agents\.a\.permissions\.ask\]"):
        asked(f'"{key}" = "auto"\n', "")


@pytest.mark.parametrize(
    ("project", "user", "holds"),
    [
        ("5usd", "2usd", Amount(usd="2")),
        ("2usd", "5usd", Amount(usd="2")),
        ("5usd", "1mtok", Amount(usd="5", tokens=10**6)),
        ("", "1usd", Amount(usd="1")),
        ("3usd", "", Amount(usd="3")),
        ("", "", Amount()),
    ],
)
@pytest.mark.parametrize("name", ["task_budget", "day_budget"])
def test_of_two_budgets_the_lower_one_holds(name, project, user, holds):
    made = settings(f'[limits]\n{name} = "{project}"\n', f'[limits]\n{name} = "{user}"\n')
    assert getattr(made.limits, name) == holds


@given(
    *(st.builds(Amount, usd=st.none() | st.integers(1, 9).map(str), tokens=st.none() | st.integers(1, 9)) for _ in "ab")
)
def test_the_least_of_two_is_in_no_way_more_than_either(one, other):
    low = least(one, other)
    assert least(other, one) == low
    assert least(low, one) == low


def test_warnings_are_at_marks_in_their_order():
    assert settings("[limits]\nwarn_at = [90, 50, 90]\n").limits.warn_at == (50, 90)
    assert settings("[limits]\nwarn_at = []\n").limits.warn_at == ()
    with pytest.raises(ConfigError, match="must be at most 99, not 100"):
        settings("[limits]\nwarn_at = [100]\n")


def test_one_log_in_is_not_copied_to_several_homes():
    own = '[credentials]\nclaude = [".claude/.credentials.json"]\n'
    with pytest.raises(ConfigError) as error:
        settings(AGENT + "instances = 2\n", own)
    assert str(error.value) == (
        'config.toml:2: [credentials]: field "claude": ".claude/.credentials.json" would be copied to a-1, a-2, and '
        "copies of one log-in end each other; give it to one agent with instances = 1, or let them use a key under "
        "[gateway]"
    )
    with pytest.raises(ConfigError, match="would be copied to a, b"):
        settings(AGENT + AGENT.replace("agents.a", "agents.b"), own)


def test_a_log_in_for_one_is_fine_however_it_is_named():
    for own in ('claude = [".x"]', 'a = [".x"]', 'claude = [".x"]\na = [".x", ".y"]', 'b-1 = [".x"]\nb-2 = [".y"]'):
        project = AGENT + '[agents.b]\nruntime = "codex"\ninstances = 2\n'
        assert settings(project, f"[credentials]\n{own}\n").credentials
