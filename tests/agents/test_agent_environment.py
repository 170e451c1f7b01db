"""What reaches an agent, and what never does."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.agents.environment import ALLOWED, FIXED, agent_environment, allowed_environment

SECRETS = {"ANTHROPIC_API_KEY": "s", "AWS_SECRET_ACCESS_KEY": "s", "SSH_AUTH_SOCK": "s"}
SECRETS |= {"QUARTERDECK_TOKEN": "s", "LC_TOKEN": "s"}


def build(source, **more):
    boxes = {"task_file": Path("/t.json"), "inbox": Path("/in"), "outbox": Path("/out")}
    return agent_environment(source, agent="builder-2", attempt=3, **boxes, **more)


def test_the_contract_names_are_there():
    environment = build({"PATH": "/bin"})
    assert environment["PATH"] == "/bin"
    assert {name: value for name, value in environment.items() if name.startswith("QUARTERDECK_")} == {
        "QUARTERDECK_TASK": "/t.json",
        "QUARTERDECK_INBOX": "/in",
        "QUARTERDECK_OUTBOX": "/out",
        "QUARTERDECK_AGENT": "builder-2",
        "QUARTERDECK_ATTEMPT": "3",
    }


def test_a_secret_passes_only_when_it_is_named():
    assert not SECRETS.keys() & build(SECRETS).keys()
    assert build(SECRETS, named=["SSH_AUTH_SOCK", "UNSET"])["SSH_AUTH_SOCK"] == "s"
    assert "UNSET" not in build(SECRETS, named=["UNSET"])


def test_locale_passes_and_the_terminal_is_always_dumb():
    environment = allowed_environment({"LANG": "C", "LC_ALL": "C.UTF-8", "TERM": "xterm-kitty"}, named=["TERM"])
    assert environment == {"LANG": "C", "LC_ALL": "C.UTF-8", "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1"}


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,12}", fullmatch=True), st.text(max_size=5)))
def test_whatever_the_source_holds_nothing_unnamed_passes(source):
    passed = allowed_environment(source)
    assert passed.keys() <= ALLOWED | FIXED.keys()


def test_what_locates_tools_passes_and_what_locates_credentials_does_not():
    source = {"JAVA_HOME": "/j", "VIRTUAL_ENV": "/v", "CARGO_HOME": "/c", "GOPATH": "/g", "GNUPGHOME": "/s"}
    assert allowed_environment(source).keys() - FIXED.keys() == {"JAVA_HOME", "VIRTUAL_ENV"}
