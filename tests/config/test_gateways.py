"""Gateways: where they lead, with whose key, and what each agent's tier means there."""

from __future__ import annotations

import pytest

from engine.agents.acp.profiles import KNOWN
from engine.agents.runtimes import RUNTIMES as ADAPTERS
from engine.agents.runtimes import adapter_for
from engine.config.document import parse
from engine.config.errors import ConfigError
from engine.config.gateways import gateway_of, kind_for, model_for, overrides, routes, tiers, upstreams
from engine.config.load import combine
from engine.config.settings import RUNTIMES
from engine.config.tools import TOOLS, spoken
from engine.config.vendors import VENDORS
from engine.gateway.llm.keys import KeyTrouble
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.values import Spend

HEAD = '[project]\ncheck = ["true"]\n'
KEYS = {"ANTHROPIC_API_KEY": "sk-test-a", "OPENAI_API_KEY": "sk-test-o", "GEMINI_API_KEY": "sk-test-g"}


def settings(project: str = "", user: str = ""):
    return combine(
        parse(HEAD + project, name="quarterdeck.toml", fmt="toml"), parse(user, name="config.toml", fmt="toml")
    )


def agent(runtime: str, more: str = "") -> str:
    command = 'command = ["x"]\n' if runtime in {"acp", "command"} and "command" not in more else ""
    return f'[agents.a]\nruntime = "{runtime}"\n{command}{more}\n'


def refused(project: str = "", user: str = "") -> list[str]:
    with pytest.raises(ConfigError) as error:
        settings(project, user)
    return str(error.value).split("\n")


def test_a_vendor_s_own_gateway_is_there_where_its_usual_key_is():
    assert upstreams(settings(), {}) == {}
    found = upstreams(settings(), {"OPENAI_API_KEY": "sk-test-o", "GEMINI_API_KEY": ""})
    assert [(one.name, one.kind, one.url, one.plan) for one in found.values()] == [
        ("openai", "openai", "https://api.openai.com", False)
    ]
    assert found["openai"].key() == "sk-test-o"


def test_a_tape_needs_no_keys():
    found = upstreams(settings(), {}, keyless=True)
    assert [(name, one.key) for name, one in found.items()] == [("anthropic", None), ("openai", None), ("gemini", None)]
    with pytest.raises(KeyTrouble, match=r"\$GEMINI_API_KEY is not set"):
        upstreams(settings(user="[gateway.gemini]\n"), {})["gemini"].key()


def test_what_the_user_writes_goes_before_and_a_key_goes_to_its_vendor_alone():
    own = '[gateway.local]\nkind = "openai"\nurl = "http://127.0.0.1:11434/v1/"\n'
    own += '[gateway.anthropic]\nurl = "https://proxy.example/anthropic"\n[gateway.openai]\n'
    found = upstreams(settings(user=own), KEYS)
    assert list(found) == ["local", "anthropic", "openai", "gemini"]
    assert (found["local"].url, found["local"].key) == ("http://127.0.0.1:11434", None)
    assert (found["anthropic"].url, found["anthropic"].key) == ("https://proxy.example/anthropic", None)
    assert found["openai"].key() == "sk-test-o"


def test_no_key_is_in_what_is_shown():
    own = '[gateway.x]\nkind = "openai"\nurl = "https://x.example"\nkey = "command:echo sk-test-c"\n'
    found = upstreams(settings(user=own), KEYS)
    assert [one.key() for one in found.values()] == ["sk-test-c", *KEYS.values()]
    assert "sk-test" not in repr(found) + str(found) + repr([one.key for one in found.values()])


def test_a_plan_has_no_key_and_leads_where_the_vendor_s_subscriptions_do():
    found = upstreams(settings(user="[gateway.openai]\nplan = true\n"), KEYS)["openai"]
    assert (found.plan, found.key, found.url) == (True, None, "https://chatgpt.com/backend-api/codex")


BAD_USER = {
    "no kind": (
        '[gateway.mine]\nurl = "https://x.example"\n',
        (
            'config.toml:1: [gateway]: field "mine": does not say which API it speaks; write kind = one of '
            '"anthropic", "openai", "gemini"'
        ),
    ),
    "a plan and a key": (
        '[gateway.openai]\nplan = true\nkey = "env:X"\n',
        'config.toml:1: [gateway]: field "openai": has a key and a plan; write one of them',
    ),
    "a plan that passes nowhere": (
        "[gateway.gemini]\nplan = true\n",
        (
            'config.toml:2: [gateway.gemini]: field "plan": no subscription of Google passes through; use a key, or let '
            "the agent log in by itself: its figures are then its own"
        ),
    ),
    "a name that is none": (
        '[gateway.as]\nkind = "openai"\n',
        'config.toml:1: [gateway]: field "as": "as" is no name of a gateway; write a-z, 0-9 and "-", and not "as"',
    ),
    "an address with a password": (
        '[gateway.openai]\nurl = "https://me:secret@x.example"\n',
        'config.toml:2: [gateway.openai]: field "url": must be like "https://example.org"',
    ),
    "a price that is none": (
        '[prices."m"]\ninput = "3usd"\noutput = nan\n',
        'config.toml:2: [prices.m]: field "input": must be a number of US dollars per million',
    ),
}


@pytest.mark.parametrize("name", BAD_USER)
def test_what_can_not_be_is_told_at_its_line(name):
    text, message = BAD_USER[name]
    assert refused(user=text)[0] == message


@pytest.mark.parametrize(
    "table", ['[gateway.x]\nkind = "openai"', "[prices.m]\ninput = 0\noutput = 0", "[cache]\nsize = '1GB'"]
)
def test_a_project_says_nothing_of_keys_prices_and_the_user_s_disk(table):
    assert "a project may not set this" in refused(table)[0]


def test_an_agent_asks_the_gateway_it_names_or_the_first_of_its_kind():
    own = '[gateway.one]\nkind = "anthropic"\nurl = "https://1.example"\n'
    own += '[gateway.two]\nkind = "anthropic"\nurl = "https://2.example"\n'
    made = settings(agent("claude", 'gateway = "two"') + agent("claude").replace("agents.a", "agents.b"), own)
    there = upstreams(made, KEYS)
    assert gateway_of(made, made.agents["a"], "anthropic") == "two"
    assert routes(made, made.agents["a"], there) == {"anthropic": "two"}
    assert gateway_of(made, made.agents["a"], "openai") == ""
    assert routes(made, made.agents["b"], there) == {"anthropic": "one", "openai": "openai", "gemini": "gemini"}


def test_what_has_no_key_is_no_way():
    made = settings(agent("claude"))
    assert gateway_of(made, made.agents["a"], "anthropic") == "anthropic"
    assert routes(made, made.agents["a"], upstreams(made, {})) == {}


def test_a_gateway_that_is_not_there_or_speaks_another_api_is_refused():
    assert refused(agent("claude", 'gateway = "corp"')) == [
        (
            'quarterdeck.toml:5: [agents.a]: field "gateway": there is no gateway "corp"; there are anthropic, openai, '
            "gemini; write [gateway.corp] to your own settings"
        )
    ]
    assert refused(agent("claude", 'gateway = "openai"')) == [
        (
            'quarterdeck.toml:5: [agents.a]: field "gateway": "openai" speaks the API of kind openai, and Claude Code '
            "speaks anthropic; name one of kind anthropic, or leave it out"
        )
    ]
    assert refused(agent("claude", 'fallback = ["claude-haiku-5-5", "openai/gpt-6-luna"]')) == [
        (
            'quarterdeck.toml:5: [agents.a]: field "fallback": "openai/gpt-6-luna" is at a gateway of kind openai, and '
            "the agent speaks anthropic; name models that are reached by the same API"
        )
    ]


@pytest.mark.parametrize(
    ("runtime", "more", "kind"),
    [
        ("claude", "", "anthropic"),
        ("codex", "", "openai"),
        ("gemini", "", "gemini"),
        ("pi", "", "openai"),
        ("acp", "", None),
        ("acp", 'gateway = "gemini"', "gemini"),
        ("acp", 'command = ["node", "/opt/claude-agent-acp"]', "anthropic"),
        ("acp", 'command = ["opencode", "acp"]', "openai"),
        ("command", "", None),
    ],
)
def test_the_api_an_agent_speaks(runtime, more, kind):
    made = settings(agent(runtime, more))
    assert kind_for(made, made.agents["a"]) == kind


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.runtime for tool in TOOLS])
def test_settings_and_adapters_agree_about_each_agent(tool):
    profile = adapter_for("a", tool.runtime).profile
    assert (profile.kind, profile.title, profile.program[0]) == (tool.kind, tool.title, tool.program)


def test_settings_and_adapters_agree_about_agents_of_the_protocol():
    assert {name: spoken([name]) for name in KNOWN} == {name: profile.kind for name, profile in KNOWN.items()}


def test_every_runtime_has_an_adapter_and_every_adapter_a_runtime():
    assert set(RUNTIMES) == set(ADAPTERS)


def test_a_tier_means_the_vendor_s_model_unless_somebody_says_another():
    made = settings(
        agent("claude", 'tier = "large"') + '[models.claude]\nsmall = "mine"\n[models.anthropic]\nlarge = "theirs"\n'
    )
    assert tiers(made, made.agents["a"]) == {"small": "mine", "standard": "claude-sonnet-5-5", "large": "theirs"}
    assert model_for(made, made.agents["a"]) == "theirs"
    assert model_for(made, made.agents["a"], "small") == "mine"


def test_the_runtime_s_table_goes_before_the_gateway_s_and_that_before_the_vendor_s():
    own = '[gateway.corp]\nkind = "openai"\n'
    tables = '[models.openai]\nsmall = "v"\nstandard = "v"\nlarge = "v"\n[models.corp]\nsmall = "g"\nstandard = "g"\n'
    made = settings(agent("pi", 'gateway = "corp"') + tables + '[models.pi]\nsmall = "r"\n', own)
    assert tiers(made, made.agents["a"]) == {"small": "r", "standard": "g", "large": "v"}


def test_one_model_is_that_whatever_the_tier_and_a_server_of_ones_own_has_no_defaults():
    made = settings(agent("claude", 'model = "claude-x"'))
    assert {model_for(made, made.agents["a"], tier) for tier in ("", "small", "large")} == {"claude-x"}
    own = '[gateway.local]\nkind = "openai"\nurl = "http://127.0.0.1:1"\n'
    made = settings(agent("pi", 'gateway = "local"'), own)
    assert set(tiers(made, made.agents["a"]).values()) == {""}


@pytest.mark.parametrize("kind", VENDORS)
def test_every_default_model_has_a_price_and_a_dearer_tier_is_dearer(kind):
    prices = Prices()
    costs = [
        prices.of(kind, Spend(input=100_000, output=20_000, model=model)) for model in VENDORS[kind].models.values()
    ]
    assert None not in costs
    assert sorted(costs) == costs
    assert len({cost for cost, _ in costs}) == 3


def test_a_price_of_ones_own_is_what_is_booked():
    own = '[prices."llama3"]\ninput = 0\noutput = 0\n[prices."m"]\ninput = 1.5\noutput = 6\ncache_read = 0.1\n'
    own += "above = { tokens = 1000, input = 3 }\nvalid_from = 2020-01-01\n"
    prices = Prices(overrides(settings(user=own)))
    assert prices.of("openai", Spend(input=10**6, output=10**6, model="llama3"))[0] == 0
    assert str(prices.of("openai", Spend(input=1000, model="m"))[0]) == "0.0015"
    assert str(prices.of("openai", Spend(input=1001, model="m"))[0]) == "0.003003"
