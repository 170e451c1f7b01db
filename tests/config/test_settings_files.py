"""`quarterdeck.toml` and the user's file: what is read, what is refused and which of them wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.errors import ConfigError, NoConfig
from engine.config.load import load, parse_settings, user_file
from engine.core.values import Amount

CHECK = '[project]\ncheck = ["true"]\n'
WAY_OUT = 'write what proves a change, such as check = ["python3 -m pytest -q"]'
CONTRACT = """
[project]
target = "main"                        # merged into; default: the current branch
check = ["python -m pytest -q"]        # the gate
setup = ["..."]                        # once in every fresh tree; copies = [".env"] brings ignored files along
setup_network = ["..."]                # hosts that setup may reach; the gate has none
copies = [".env"]
[limits]                               # defaults shown by `doctor`
agents = 4                             # at once
budget = "5usd"                        # a run
attempts = 3                           # rounds of work a task
[agents.builder]
runtime = "claude"                     # acp | claude | codex | gemini | opencode | command | scripted | ...
command = ["..."]                      # argv, for acp and command; otherwise found on PATH
does = ["implement", "python"]         # capabilities
tier = "standard"                      # small | standard | large, mapped to models in [models]
instances = 3                          # builder-1 .. builder-3; one instance is just `builder`
budget = "2usd"
trust = "standard"                     # untrusted | standard | trusted
on = ["task:implement"]                # triggers; default: stages it can do
skills = ["house-style@^2"]
[agents.builder.permissions]
write = ["src/**", "tests/**"]
read = ["docs"]                        # extra folders outside the clone
network = ["example.org:443"]          # default: none but the gateway
confine = "basic"
[approvals]                            # risk class -> auto | confirm | review; tasks are low unless said
low = "auto"
medium = "confirm"
high = "review"
[models.claude]                        # tier -> model, per vendor; sensible defaults
small = "…"
[patterns.X]
[environments.X]
"""
USERS = """
[gateway.anthropic]                    # anthropic | openai | gemini | any name with kind = one of them
url = "https://example.org"            # default: the vendor's; any compatible server, a local one too
key = "env:ANTHROPIC_API_KEY"          # env:NAME | keyring:NAME | command:…; never given to an agent
[security]
mechanisms = ["landlock", "bubblewrap"]
allow_unconfined = false
[credentials]
reviewer = [".claude/.credentials.json"]
"""


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("QUARTERDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


def put(root: Path, project: str, user: str | None = None) -> Path:
    """Write both files; the path of the user's."""
    (root / "quarterdeck.toml").write_text(project, encoding="utf-8")
    path = root.parent / "home" / "quarterdeck" / "config.toml"
    if user is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(user, encoding="utf-8")
    return path


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        parse_settings(text)
    return str(error.value)


def test_the_contract_s_example_is_read_as_it_says(root):
    put(root, CONTRACT, USERS)
    (root / "docs").mkdir()
    settings = load(root)
    builder = settings.agents["builder"]
    assert settings.project.copies == (".env",)
    assert settings.limits.budget == Amount(usd="5")
    assert (builder.instances, builder.budget, builder.on) == (3, Amount(usd="2"), ("task:implement",))
    assert builder.permissions.write == ("src/**", "tests/**")
    assert builder.permissions.confine == "basic"
    assert builder.permissions.read == (str(root.resolve() / "docs"),)
    assert builder.permissions.network == ("example.org:443",)
    assert settings.security.mechanisms == ("bubblewrap", "landlock")
    assert settings.credentials == {"reviewer": (".claude/.credentials.json",)}
    assert settings.models["claude"].small == "…"
    assert settings.approvals == {"low": "auto", "medium": "confirm", "high": "review"}
    assert settings.gateway["anthropic"].key == "env:ANTHROPIC_API_KEY"
    assert settings.patterns == settings.environments == {"X": {}}


def test_only_the_check_is_required_and_the_rest_has_its_default():
    settings = parse_settings(CHECK)
    assert settings.limits.agents == 4
    assert settings.limits.attempts == 3
    assert settings.limits.budget == Amount(usd="5")
    assert settings.project.review is True
    assert settings.project.target is None
    assert settings.agents == settings.approvals == {}
    assert settings.security.allow_unconfined is False
    assert settings.security.mechanisms == ("namespaces", "bubblewrap", "landlock", "seatbelt")
    assert settings.credentials == {}


def test_no_file_names_the_way_out(root):
    with pytest.raises(NoConfig) as error:
        load(root)
    assert str(error.value) == f"there is no quarterdeck.toml in {root}; write one with `quarterdeck init`"


RUNTIMES = "command, scripted, acp, claude, codex, gemini, opencode, pi, qwen, aider"
AGENT = '[agents.a]\nruntime = "command"\ncommand = ["x"]\n'
BAD = {
    "nothing": ("", f'quarterdeck.toml: [project]: field "check": is required; {WAY_OUT}'),
    "no check": (
        '[project]\ntarget = "main"',
        f'quarterdeck.toml:1: [project]: field "check": is required; {WAY_OUT}',
    ),
    "empty check": (
        "[project]\ncheck = []",
        f'quarterdeck.toml:2: [project]: field "check": must not be empty; {WAY_OUT}',
    ),
    "blank check": (
        '[project]\ncheck = [" "]',
        f'quarterdeck.toml:2: [project]: field "check": must not be blank; {WAY_OUT}',
    ),
    "check as text": (
        '[project]\ncheck = "x"',
        f'quarterdeck.toml:2: [project]: field "check": must be a list, not "x"; {WAY_OUT}',
    ),
    "unknown section": (
        CHECK + "[limit]\nagents = 1",
        'quarterdeck.toml:3: field "limit": unknown (did you mean "limits"?)',
    ),
    "unknown key": (
        AGENT + "[agents.a.permissions]\nnetwrk = []\n" + CHECK,
        'quarterdeck.toml:5: [agents.a.permissions]: field "netwrk": unknown (did you mean "network"?)',
    ),
    "gateway": (
        CHECK + '[gateway.anthropic]\nurl = "https://evil.example"',
        "quarterdeck.toml:3: [gateway]: a project may not set this; write it to your own settings, USER",
    ),
    "security": (
        CHECK + "security.allow_unconfined = true\n[security]\nallow_unconfined = true",
        "quarterdeck.toml:4: [security]: a project may not set this; write it to your own settings, USER",
    ),
    "credentials": (
        CHECK + '[credentials]\na = [".ssh/id_ed25519"]',
        "quarterdeck.toml:3: [credentials]: a project may not set this; write it to your own settings, USER",
    ),
    "host": (
        CHECK + AGENT + '[agents.a.permissions]\nnetwork = ["example.org:443", "https://example.org"]',
        (
            'quarterdeck.toml:7: [agents.a.permissions]: field "network": must be like "example.org:443" '
            'or "*.example.org:443"'
        ),
    ),
    "port": (
        CHECK + 'setup_network = ["example.org:70000"]',
        'quarterdeck.toml:3: [project]: field "setup_network": 70000 is no port; they go from 1 to 65535',
    ),
    "confine": (
        CHECK + AGENT + '[agents.a.permissions]\nconfine = "weak"',
        (
            'quarterdeck.toml:7: [agents.a.permissions]: field "confine": must be "strong", "basic" or "none", '
            'not "weak"'
        ),
    ),
    "acp without a command": (
        CHECK + '[agents.a]\nruntime = "acp"',
        (
            'quarterdeck.toml:3: [agents.a]: field "command": is required with runtime = "acp"; '
            "write the program and its arguments as a list"
        ),
    ),
    "misspelt runtime": (
        CHECK + '[agents.a]\nruntime = "comand"',
        'quarterdeck.toml:4: [agents.a]: field "runtime": there is no runtime "comand" (did you mean "command"?)',
    ),
    "unknown runtime": (
        CHECK + '[agents.a]\nruntime = "zzz"',
        f'quarterdeck.toml:4: [agents.a]: field "runtime": there is no runtime "zzz" (known: {RUNTIMES})',
    ),
    "no runtime": (
        CHECK + '[agents.a]\ntier = "small"',
        'quarterdeck.toml:3: [agents.a]: field "runtime": is required',
    ),
    "no command": (
        CHECK + '[agents.a]\nruntime = "command"',
        (
            'quarterdeck.toml:3: [agents.a]: field "command": is required with runtime = "command"; '
            "write the program and its arguments as a list"
        ),
    ),
    "no script": (
        CHECK + '[agents.a]\nruntime = "scripted"\ncommand = ["/x.toml"]',
        (
            'quarterdeck.toml:5: [agents.a]: field "command": with runtime = "scripted" must be one path, '
            'such as ["scripts/builder.toml"]'
        ),
    ),
    "script that is none": (
        CHECK + '[agents.a]\nruntime = "scripted"\ncommand = ["x.py"]',
        'quarterdeck.toml:5: [agents.a]: field "command": a script is a .toml file, not "x.py"',
    ),
    "agent name": (
        CHECK + AGENT.replace("agents.a", 'agents."A b"'),
        'quarterdeck.toml:3: [agents]: field "A b": "A b" is no agent name; write a-z, 0-9 and "-"',
    ),
    "reserved name": (
        CHECK + AGENT.replace("agents.a", "agents.run"),
        'quarterdeck.toml:3: [agents]: field "run": "run" is reserved; call the agent something else',
    ),
    "amount": (
        CHECK + '[limits]\nbudget = "5 eur"',
        'quarterdeck.toml:4: [limits]: field "budget": "5 eur" is no amount; write it like "5usd", "200ktok" or "1.5mtok"',
    ),
    "amount as number": (
        CHECK + "[limits]\nbudget = 5",
        'quarterdeck.toml:4: [limits]: field "budget": must be a text like "5usd" or "200ktok"',
    ),
    "no agents at once": (
        CHECK + "[limits]\nagents = 0",
        'quarterdeck.toml:4: [limits]: field "agents": must be at least 1, not 0',
    ),
    "approval": (
        CHECK + '[approvals]\nlow = "never"',
        'quarterdeck.toml:4: [approvals]: field "low": must be "auto", "confirm" or "review", not "never"',
    ),
    "risk class": (
        CHECK + '[approvals]\nlov = "auto"',
        'quarterdeck.toml:4: [approvals]: field "lov": must be "low", "medium" or "high", not "lov"',
    ),
    "copies outside": (
        '[project]\ncheck = ["x"]\ncopies = ["../.env"]',
        (
            'quarterdeck.toml:3: [project]: field "copies": "../.env" must be a path relative to the repository\'s root, '
            'without ".."'
        ),
    ),
    "syntax": ("[project\n", "quarterdeck.toml:1: is not TOML: Expected ']' at the end of a table declaration"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_refused_naming_line_and_key(root, name):
    text, message = BAD[name]
    assert refused(text) == message.replace("USER", str(root.parent / "home/quarterdeck/config.toml"))


def test_all_complaints_are_told_in_the_order_of_the_file():
    text = CHECK + '[limits]\nagents = "4"\n' + AGENT + 'tier = "big"\n'
    assert refused(text).split("\n") == [
        'quarterdeck.toml:4: [limits]: field "agents": must be a whole number, not "4"',
        'quarterdeck.toml:8: [agents.a]: field "tier": must be "small", "standard" or "large", not "big"',
    ]


def test_the_project_goes_before_the_user_key_by_key(root):
    put(
        root,
        CHECK + "[limits]\nagents = 2\n[agents.a]\ncommand = ['mine']\n[approvals]\nlow = 'review'\n",
        "[limits]\nagents = 8\nattempts = 9\n[agents.a]\nruntime = 'command'\ncommand = ['yours', 'x']\n"
        "[approvals]\nhigh = 'confirm'\nlow = 'auto'\n",
    )
    settings = load(root)
    assert (settings.limits.agents, settings.limits.attempts) == (2, 9)
    assert (settings.agents["a"].runtime, settings.agents["a"].command) == ("command", ("mine",))
    assert settings.approvals == {"low": "review", "high": "confirm"}


def test_who_holds_copies_of_log_ins_reaches_what_its_user_says_and_not_what_the_project_does(root):
    users = '[credentials]\nclaude = [".claude/.credentials.json"]\n'
    agent = '[agents.claude]\nruntime = "command"\ncommand = ["claude"]\n[agents.claude.permissions]\nnetwork = '
    put(root, CHECK + agent + '["api.anthropic.com"]', users)
    assert load(root).agents["claude"].permissions.network == ("api.anthropic.com:443",)
    put(root, CHECK + agent + '["api.anthropic.com", "elsewhere.example"]', users)
    with pytest.raises(ConfigError, match=r"may not have it reach .elsewhere\.example:443"):
        load(root)
    own = '[agents.claude.permissions]\nnetwork = ["elsewhere.example"]\n'
    put(root, CHECK + agent + '["api.anthropic.com", "elsewhere.example"]', users + own)
    assert "elsewhere.example:443" in load(root).agents["claude"].permissions.network


@pytest.mark.parametrize(
    ("users", "projects", "holds"),
    [("strong", "none", "strong"), ("basic", "strong", "strong"), ("strong", None, "strong"), ("none", None, "none")],
)
def test_what_the_user_asks_of_confinement_no_project_lowers(root, users, projects, holds):
    agent = AGENT + (f'permissions.confine = "{projects}"\n' if projects else "")
    put(root, CHECK + agent, f'[agents.a.permissions]\nconfine = "{users}"\n')
    assert load(root).agents["a"].permissions.confine == holds


def test_nonsense_of_the_user_that_the_project_replaces_breaks_nothing(root):
    put(root, CHECK + AGENT, "[agents]\na = 3\n")
    assert load(root).agents["a"].command == ("x",)


def test_a_complaint_names_the_file_that_says_it(root):
    user = put(root, CHECK, '[limits]\n\nattemps = 3\n[agents.a]\nruntime = "x"\n')
    with pytest.raises(ConfigError) as error:
        load(root)
    assert str(error.value).split("\n") == [
        f'{user}:3: [limits]: field "attemps": unknown (did you mean "attempts"?)',
        f'{user}:5: [agents.a]: field "runtime": there is no runtime "x" (known: {RUNTIMES})',
    ]


def test_a_user_file_alone_does_not_make_a_project(root):
    put(root, "", CHECK)
    assert load(root).project.check == ("true",)
    (root / "quarterdeck.toml").unlink()
    with pytest.raises(NoConfig):
        load(root)


def test_a_key_put_where_only_its_place_belongs_is_not_repeated(root):
    user = put(root, CHECK, '[gateway.x]\nkind = "openai"\nkey = "sk-secret"\nurl = "ftp://x"\n')
    with pytest.raises(ConfigError) as error:
        load(root)
    assert str(error.value).split("\n") == [
        (
            f'{user}:3: [gateway.x]: field "key": must be like "env:NAME", "keyring:NAME" or "command:…"; '
            "the key itself does not belong here"
        ),
        f'{user}:4: [gateway.x]: field "url": must be like "https://example.org"',
    ]


@pytest.mark.parametrize("file", ["/etc/passwd", "../x", ".", ""])
def test_credentials_are_files_in_home(root, file):
    user = put(root, CHECK, f'[credentials]\nclaude = ["{file}"]\n')
    with pytest.raises(ConfigError) as error:
        load(root)
    assert str(error.value).startswith(f'{user}:2: [credentials]: field "claude": ')


def test_an_unknown_mechanism_is_refused(root):
    user = put(root, CHECK, '[security]\nmechanisms = ["docker"]\n')
    with pytest.raises(ConfigError) as error:
        load(root)
    assert str(error.value) == (
        f'{user}:2: [security]: field "mechanisms": '
        'must be "namespaces", "bubblewrap", "landlock" or "seatbelt", not "docker"'
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Example.org", "example.org:443"),
        ("*.example.org:80", "*.example.org:80"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("[::1]", "[::1]:443"),
    ],
)
def test_a_host_has_a_port_and_small_letters(written, meant):
    settings = parse_settings(CHECK + AGENT + f'permissions.network = ["{written}"]\n')
    assert settings.agents["a"].permissions.network == (meant,)


def test_where_the_user_s_file_is(tmp_path):
    assert user_file({"QUARTERDECK_CONFIG": "/etc/q.toml", "XDG_CONFIG_HOME": "/x"}) == Path("/etc/q.toml")
    assert user_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/quarterdeck/config.toml")
    assert user_file({"XDG_CONFIG_HOME": "x"}) == Path.home() / ".config/quarterdeck/config.toml"
    assert user_file({}) == Path.home() / ".config/quarterdeck/config.toml"


def test_the_user_s_file_need_not_be_there(root):
    put(root, CHECK)
    assert load(root) == load(root, user=user_file()) == parse_settings(CHECK)


def test_a_named_user_file_must_be_there(root, monkeypatch):
    put(root, CHECK)
    monkeypatch.setenv("QUARTERDECK_CONFIG", str(root / "gone.toml"))
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file or directory"):
        load(root)
    (root / "mine.toml").write_text("[security]\nallow_unconfined = true")
    assert load(root, user=root / "mine.toml").security.allow_unconfined is True


SAMPLES = sorted((Path(__file__).parents[2] / "sample_projects").glob("*/project/quarterdeck.toml"))


@pytest.mark.parametrize("path", SAMPLES, ids=[path.parent.parent.name for path in SAMPLES])
def test_the_sample_projects_are_valid(path):
    settings = parse_settings(path.read_text(encoding="utf-8"))
    assert settings.agents
    for agent in settings.agents.values():
        assert (path.parent / agent.command[0]).is_file()


@given(st.text("[]{}=\"'.,\n #abc1check project", max_size=60))
def test_whatever_text_is_read_or_refused(text):
    try:
        settings = parse_settings(CHECK + text)
    except ConfigError:
        return
    assert settings.project.check == ("true",)
