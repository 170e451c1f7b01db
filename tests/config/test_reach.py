"""How each agent reaches its models: what `doctor` says of it, and which agents reach nothing."""

from __future__ import annotations

import pytest

from engine.config.document import parse
from engine.config.load import combine
from engine.config.reach import cut_off, models

HEAD = '[project]\ncheck = ["true"]\n'
CLAUDE = '[agents.a]\nruntime = "claude"\n'
KEYS = {"ANTHROPIC_API_KEY": "sk-test-anthropic", "OPENAI_API_KEY": "sk-test-openai"}


def settings(project: str, user: str = ""):
    return combine(
        parse(HEAD + project, name="quarterdeck.toml", fmt="toml"), parse(user, name="config.toml", fmt="toml")
    )


def told(project: str, user: str = "", environment=KEYS):
    found = list(models(settings(project, user), environment))
    assert "sk-test" not in repr(found)
    return [(one.level, one.what, one.detail, one.mend) for one in found]


SONNET = "claude-sonnet-5-5 by gateway anthropic (https://api.anthropic.com)"


def test_model_gateway_and_where_the_key_is_from():
    assert told(CLAUDE) == [("ok", "models of a", f"{SONNET}, key from $ANTHROPIC_API_KEY, which is there", "")]


def test_a_key_that_is_not_there_is_told_with_what_helps():
    own = '[gateway.anthropic]\nkey = "env:MINE"\n'
    assert told(CLAUDE, own) == [
        (
            "bad",
            "models of a",
            f"{SONNET}, key from $MINE: $MINE is not set",
            "set it where you start the run from; it is handed over from there, and kept in memory only",
        )
    ]


def test_of_a_command_only_its_program_is_shown():
    own = '[gateway.anthropic]\nkey = "command:echo sk-test-anthropic"\n'
    assert told(CLAUDE, own)[0][2] == f"{SONNET}, key from the command echo, which is there"


def test_an_agent_without_any_way_can_not_work():
    (found,) = told(CLAUDE, environment={})
    assert found[:3] == (
        "bad",
        "models of a",
        "it has no way to models: there is no key to Anthropic's, and no gateway of kind anthropic",
    )
    assert found[3].startswith("set $ANTHROPIC_API_KEY where you start Quarterdeck, or write [gateway.anthropic]")
    (missing,) = cut_off(settings(CLAUDE), {})
    assert missing.place == "[agents.a]"
    assert cut_off(settings(CLAUDE), KEYS) == []
    (unset,) = cut_off(settings(CLAUDE, '[gateway.anthropic]\nkey = "env:MINE"\n'), KEYS)
    assert str(unset) == (
        "[agents.a]: it has no way to models: [gateway.anthropic] has its key in $MINE, which is not set; "
        "set it where you start Quarterdeck"
    )
    assert cut_off(settings(CLAUDE, '[gateway.anthropic]\nkey = "keyring:x"\n'), {}) == []


def test_one_with_a_log_in_of_its_own_is_metered_late():
    own = '[credentials]\nclaude = [".claude/.credentials.json"]\n'
    level, _, detail, mend = told(CLAUDE, own, {})[0]
    assert (level, detail) == (
        "warn",
        "by its own log-in, past the gateway: its own figures are what it is metered by, late",
    )
    assert "plan = true under [gateway.anthropic]" in mend
    assert cut_off(settings(CLAUDE, own), {}) == []


def test_a_plan_is_shown_with_its_terms_and_wants_a_budget_in_tokens():
    own = "[gateway.anthropic]\nplan = true\n"
    found = list(models(settings(CLAUDE, own), {}))
    assert "with its own subscription log-in" in found[0].detail
    assert "code.claude.com/docs/en/legal-and-compliance" in found[0].more[0]
    assert (found[1].level, found[1].detail) == ("warn", "no budget in tokens holds its subscription")
    assert len(list(models(settings(CLAUDE + 'budget = "2mtok"\n', own), {}))) == 1


def test_a_model_without_a_price_is_told_where_a_budget_is_in_money():
    model = 'model = "claude-of-next-year-7"\n'
    _, (level, what, detail, mend) = told(CLAUDE + model)
    assert (level, what) == ("warn", "models of a")
    assert detail.startswith('no price is known of "claude-of-next-year-7"')
    assert mend.startswith('write [prices."claude-of-next-year-7"] to your own settings')
    assert len(told(CLAUDE + model, '[prices."claude-of-next-year-7"]\ninput = 1\noutput = 2\n')) == 1
    assert len(told(CLAUDE + model + '[limits]\nbudget = "1mtok"\n')) == 1


def test_fallbacks_are_priced_too_by_the_model_s_own_name():
    assert len(told(CLAUDE + 'fallback = ["anthropic/claude-opus-5-5", "claude-haiku-5-5"]\n')) == 1
    assert 'of "nothing-known"' in told(CLAUDE + 'fallback = ["anthropic/nothing-known"]\n')[1][2]


def test_a_local_server_wants_no_key():
    own = '[gateway.local]\nkind = "openai"\nurl = "http://127.0.0.1:11434/v1"\n[prices.llama]\ninput = 0\noutput = 0\n'
    project = '[agents.a]\nruntime = "pi"\ngateway = "local"\nmodel = "llama"\n'
    assert told(project, own) == [
        ("ok", "models of a", "llama by gateway local (http://127.0.0.1:11434), without a key", "")
    ]


@pytest.mark.parametrize(
    ("project", "said"),
    [
        ('[agents.a]\nruntime = "command"\ncommand = ["x"]\n', ["it may ask anthropic, openai"]),
        ('[agents.a]\nruntime = "acp"\ncommand = ["x"]\n', ["it may ask anthropic, openai"]),
        ('[agents.a]\nruntime = "scripted"\ncommand = ["x.toml"]\n', []),
    ],
)
def test_programs_of_any_kind_may_ask_what_there_is(project, said):
    assert [detail for _, _, detail, _ in told(project)] == said
    assert told(project, environment={}) == []
    assert cut_off(settings(project), {}) == []


@pytest.mark.parametrize(
    ("runtime", "who"),
    [("codex", "Codex"), ("command", "a plain program"), ("claude", ""), ("acp", "")],
)
def test_leave_that_is_never_asked_for_is_told(runtime, who):
    command = 'command = ["x"]\n' if runtime in {"command", "acp"} else ""
    project = f'[agents.a]\nruntime = "{runtime}"\n{command}permissions.ask = {{ execute = "confirm" }}\n'
    found = [(level, detail) for level, what, detail, _ in told(project) if what.endswith("ask")]
    assert found == ([("warn", f"{who} never asks for leave, so that this holds nothing up")] if who else [])


def test_a_table_of_models_that_is_of_nobody_is_told():
    assert told('[models.cluade]\nsmall = "x"\n[models.claude]\nsmall = "y"\n') == [
        (
            "warn",
            "[models.cluade]",
            "nothing is called so: it holds nowhere",
            "name a runtime, a gateway, anthropic, openai or gemini",
        )
    ]
