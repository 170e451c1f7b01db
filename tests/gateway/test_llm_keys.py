"""Keys: from a variable, the keyring or a command, asked for anew, and nowhere to be seen."""

from __future__ import annotations

import os
import sys
import threading
import types
from pathlib import Path

import pytest

from engine.gateway.llm import keys
from engine.gateway.llm.keys import KeyTrouble, secret, shown

KEY = "sk-test-0123456789"


@pytest.fixture
def clock(monkeypatch):
    """Monotonic time that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(keys.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def ring(monkeypatch):
    """A keyring of our own: its contents, and how often it was asked."""
    kept = {("quarterdeck", "anthropic"): KEY}
    asked = []

    def get_password(service, name):
        asked.append((service, name))
        found = kept.get((service, name))
        if isinstance(found, Exception):
            raise found
        return found

    module = types.ModuleType("keyring")
    module.get_password = get_password
    monkeypatch.setitem(sys.modules, "keyring", module)
    return kept, asked


@pytest.fixture
def script(tmp_path):
    """A program that counts its runs and prints a key; `script(body)` writes it anew."""

    def write(body):
        path = tmp_path / "key"
        path.write_text(f"#!/bin/sh\necho x >> {tmp_path}/runs\n{body}\n")
        path.chmod(0o755)
        return path

    return write


def runs(tmp_path: Path) -> int:
    return len((tmp_path / "runs").read_text().split())


def trouble(said, environment=None) -> KeyTrouble:
    with pytest.raises(KeyTrouble) as error:
        secret("corp", said, environment or {})()
    return error.value


def test_a_variable_of_the_environment_that_was_handed_over(monkeypatch):
    monkeypatch.setenv("MY_KEY", "of-the-engine-itself")
    assert secret("corp", "env:MY_KEY", {"MY_KEY": KEY})() == KEY
    assert str(trouble("env:MY_KEY")).startswith(
        "[gateway.corp] key: $MY_KEY is not set; set it where you start the run"
    )


def test_the_keyring_is_asked_once_in_a_while(ring, clock):
    kept, asked = ring
    key = secret("corp", "keyring:anthropic", {})
    assert (key(), key(), len(asked)) == (KEY, KEY, 1)
    kept["quarterdeck", "anthropic"] = "sk-test-new"
    clock[0] += keys.FRESH
    assert (key(), len(asked)) == ("sk-test-new", 2)


def test_a_keyring_without_it_says_how_it_gets_there(ring):
    assert str(trouble("keyring:o'x")) == (
        '[gateway.corp] key: the keyring has no "o\'x" of quarterdeck; '
        "put it there with `keyring set quarterdeck 'o'\"'\"'x'`"
    )


def test_a_keyring_that_is_locked_says_which_error_and_not_its_text(ring):
    ring[0]["quarterdeck", "anthropic"] = RuntimeError(f"collection of {KEY} is locked")
    told = trouble("keyring:anthropic")
    assert "the keyring gives nothing (RuntimeError)" in str(told)
    assert KEY not in repr(told) + str(told.__cause__)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert str(trouble("keyring:x")).endswith("keyring is not installed; install quarterdeck[keyring]")


def test_a_command_is_run_once_in_a_while_with_no_shell_and_outside_of_every_repository(script, tmp_path, clock):
    path = script('echo "$1-$(pwd)-$EXTRA"')
    key = secret("corp", f"command:{path} '$HOME;id'", {"EXTRA": "e"})
    assert (key(), key(), runs(tmp_path)) == ("$HOME;id-/-e", "$HOME;id-/-e", 1)
    clock[0] += keys.FRESH
    assert (key(), runs(tmp_path)) == ("$HOME;id-/-e", 2)


def test_a_command_that_fails_is_not_remembered_and_shows_nothing_of_what_it_said(script, tmp_path, clock):
    key = secret("corp", f"command:{script(f'echo {KEY}; echo {KEY} >&2; exit 3')} --token {KEY}", {})
    for count in (1, 2):
        with pytest.raises(KeyTrouble) as error:
            key()
        assert error.value.why == f"{tmp_path}/key ended with 3"
        assert KEY not in str(error.value) + repr(error.value) + repr(key)
        assert runs(tmp_path) == count


def test_a_command_that_hangs_is_ended_with_all_it_started(script, tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "PATIENCE", 0.3)
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    told = trouble(f"command:{script(f'sleep 1000 > {tmp_path}/held & echo > {tmp_path}/held; wait')}")
    assert told.why == f"{tmp_path}/key says nothing within 0.3 s"
    os.set_blocking(held, True)
    assert os.read(held, 1) == b"\n"
    assert os.read(held, 1) == b"", "whoever held the other end is gone"
    os.close(held)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/nonexistent/key x", "/nonexistent/key can not be started: No such file or directory"),
        ("'unclosed", "its command can not be read"),
    ],
)
def test_a_command_that_can_not_be_started(line, why):
    assert trouble(f"command:{line}").why == why


@pytest.mark.parametrize(
    "value", ["", " \n", "two words", "two\nlines", "t\tab", "schlüssel", "x\x00y", "x" * 20_000, "x\r\nX-Evil: 1"]
)
def test_what_is_no_header_s_word_is_no_key(value):
    told = trouble("env:K", {"K": value or " "})
    assert told.why == "what is there is no key: it must be one word"
    assert not value.strip() or value not in str(told)


def test_line_ends_around_a_key_are_not_its_own():
    assert secret("corp", "env:K", {"K": f"  {KEY}\r\n"})() == KEY


def test_many_threads_ask_once(script, tmp_path):
    key = secret("corp", f"command:{script(f'echo {KEY}')}", {})
    found = []
    threads = [threading.Thread(target=lambda: found.append(key())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, runs(tmp_path)) == ([KEY] * 8, 1)


def test_what_is_shown_of_a_source_holds_no_secret():
    assert shown("env:MY_KEY") == "$MY_KEY"
    assert shown("keyring:anthropic") == '"anthropic" in the keyring'
    assert shown(f"command:vault read --token {KEY}") == "the command vault"
    for said in ("env:K", "keyring:x", f"command:echo {KEY}"):
        assert KEY not in repr(secret("corp", said, {"K": KEY}))
    with pytest.raises(KeyTrouble):
        secret("corp", KEY, {})


def test_the_keyring_is_imported_by_no_one_who_does_not_use_it():
    assert "import keyring" not in Path(keys.__file__).read_text().split("def _from_keyring")[0]
