"""What a client that starts a run hands over, and that it is nowhere shown."""

from __future__ import annotations

import pytest

from engine.api.calls import RunRequest
from engine.api.words import allowed_environment, handed_over

HAS = {
    "PATH": "/bin",
    "ANTHROPIC_API_KEY": "sk-test-a",
    "CORP_KEY": "sk-test-c",
    "AWS_SECRET_ACCESS_KEY": "sk-test-w",
    "GITHUB_TOKEN": "sk-test-g",
}


@pytest.fixture
def own(tmp_path):
    """The environment of somebody with settings of their own; and the file they are in."""
    file = tmp_path / "quarterdeck" / "config.toml"
    file.parent.mkdir()
    return {**HAS, "XDG_CONFIG_HOME": str(tmp_path)}, file


def test_the_usual_keys_and_those_that_gateways_name_are_handed_over_and_no_other_secret(own):
    environment, file = own
    file.write_text(
        '[gateway.corp]\nkind = "openai"\nkey = "env:CORP_KEY"\n[gateway.x]\nkey = "keyring:GITHUB_TOKEN"\n'
    )
    handed = handed_over(environment)
    assert {name: handed[name] for name in HAS if name in handed} == {
        name: HAS[name] for name in ("PATH", "ANTHROPIC_API_KEY", "CORP_KEY")
    }


@pytest.mark.parametrize(
    "text", [None, "not toml [", "gateway = 3", "[gateway]\nx = 3", "[gateway.x]\nkey = 3", "\xff"]
)
def test_settings_that_can_not_be_read_are_the_engine_s_to_refuse(own, text):
    environment, file = own
    if text is not None:
        file.write_text(text, encoding="latin-1")
    assert "ANTHROPIC_API_KEY" in handed_over(environment)
    assert "CORP_KEY" not in handed_over(environment)


def test_no_program_of_the_engine_gets_a_key_that_was_handed_over(own):
    assert "sk-test" not in str(allowed_environment(handed_over(own[0])))


def test_a_request_that_is_shown_has_no_key_in_it():
    shown = repr(RunRequest(goal="x", environment=HAS, replay="/tape"))
    assert shown == "RunRequest(goal='x', replay='/tape')"
