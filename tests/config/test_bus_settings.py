"""`[bus]`: a project may switch it on, everything else is its user's."""

import pytest

from engine.config.errors import ConfigError
from engine.config.load import load, parse_settings

CHECK = '[project]\ncheck = ["true"]\n'


def test_it_is_off_unless_somebody_says_so():
    bus = parse_settings(CHECK).bus
    assert (bus.on, bus.provider, bus.port, bus.accounts) == (False, "auto", 0, ("viewer",))


def test_a_project_may_switch_it_on():
    assert parse_settings(f"{CHECK}[bus]\non = true\n").bus.on


@pytest.mark.parametrize("line", ['provider = "amqtt"', "port = 1883", 'accounts = ["ann"]'])
def test_a_project_may_choose_nothing_about_it(line):
    with pytest.raises(ConfigError, match="may not set this") as no:
        parse_settings(f"{CHECK}[bus]\non = true\n{line}\n")
    error = no.value
    assert (error.file, error.line, error.place, error.field) == ("quarterdeck.toml", 5, "[bus]", line.split()[0])
    assert "config.toml" in error.way_out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('on = "yes"', "must be true or false"),
        ('provider = "nats"', 'must be "auto", "mosquitto" or "amqtt"'),
        ("port = 70000", "at most 65535"),
        ("port = -1", "at least 0"),
        ("accounts = []", "must not be empty"),
        ('accounts = ["engine"]', '"engine" is no account name'),
        ('accounts = ["a/b"]', '"a/b" is no account name'),
        ('accounts = ["+"]', '"[+]" is no account name'),
        ("onn = true", 'did you mean "on"'),
    ],
)
def test_what_the_user_may_write(tmp_path, line, words):
    (tmp_path / "quarterdeck.toml").write_text(CHECK)
    users = tmp_path / "config.toml"
    users.write_text(f"[bus]\n{line}\n")
    with pytest.raises(ConfigError, match=words) as no:
        load(tmp_path, user=users)
    assert (no.value.file, no.value.line, no.value.place) == (str(users), 2, "[bus]")


def test_the_users_choice_holds_for_a_project_that_switches_it_on(tmp_path):
    (tmp_path / "quarterdeck.toml").write_text(f"{CHECK}[bus]\non = true\n")
    users = tmp_path / "config.toml"
    users.write_text('[bus]\nprovider = "amqtt"\nport = 1883\naccounts = ["ann", "bob-2"]\n')
    bus = load(tmp_path, user=users).bus
    assert (bus.on, bus.provider, bus.port, bus.accounts) == (True, "amqtt", 1883, ("ann", "bob-2"))
