"""Names, rules, passwords and messages of the bus, each by itself."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api.errors import BadFrame
from engine.bus import wire
from engine.bus.accounts import Accounts, hashed, matches
from engine.bus.errors import UnknownAccount
from engine.bus.topics import Topics, may_read, may_write

T = Topics("repo1")
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)


@given(NAMES, st.from_regex(r"[A-Za-z0-9-]{0,64}", fullmatch=True))
def test_a_command_topic_says_who_speaks(user, session):
    assert T.speaker(T.command(user, session)) == (user, session)
    assert may_write(user, T.command(user, session), T.root)
    assert may_read(user, T.reply(user, session), T.root)


@given(NAMES.filter(lambda name: name != "engine"), NAMES)
def test_nobody_writes_to_or_reads_of_another(user, other):
    if user != other:
        assert not may_write(user, T.command(other), T.root)
        assert not may_read(user, T.reply(other), T.root)
    assert not may_write(user, T.reply(user), T.root)
    assert not may_read(user, T.command(other), T.root)
    for topic in (T.presence, T.state, T.agent(other), T.log(other), T.task(other), T.event(other)):
        assert may_read(user, topic, T.root)
        assert not may_write(user, topic, T.root)


@pytest.mark.parametrize("topic", ["", "#", "qd1", "qd1/repo10/engine/state", "qd1/repo1x", "$SYS/broker/uptime"])
def test_what_is_not_of_this_repository_is_nobodys(topic):
    for user in ("engine", "ann"):
        assert not may_read(user, topic, T.root)
        assert not may_write(user, topic, T.root)


@given(st.text(max_size=40).filter(lambda text: text.isascii()))
def test_a_hash_is_of_one_password(password):
    stored = hashed(password)
    assert matches(password, stored)
    assert not matches(password + "x", stored)
    assert password not in stored or len(password) < 4


def test_mosquitto_makes_the_same_hashes(tmp_path):
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto is not installed")
    file = tmp_path / "passwd"
    file.write_text("ann:secret\n")
    subprocess.run(["mosquitto_passwd", "-U", str(file)], check=True, capture_output=True)
    assert matches("secret", file.read_text().strip().partition(":")[2])


def test_passwords_are_random_stay_and_go_with_their_account(tmp_path):
    accounts = Accounts(tmp_path / "bus", ("engine", "ann", "bob"))
    accounts.create()
    first = {name: accounts.file(name).read_text() for name in accounts.names}
    assert len(set(first.values())) == 3
    fewer = Accounts(tmp_path / "bus", ("engine", "ann"))
    fewer.create()
    assert {file.name for file in fewer.folder.iterdir()} == {"engine.password", "ann.password"}
    assert fewer.file("ann").read_text() == first["ann"]
    with pytest.raises(UnknownAccount, match="there is engine, ann"):
        fewer.file("bob")


@given(st.integers(0, 10**17), st.integers(0, 10**17), st.binary(max_size=100))
def test_a_message_of_a_session_is_read_as_it_was_written(number, taken, portion):
    assert wire.read_from_engine(wire.from_engine(number, portion)) == (number, portion)
    assert wire.read_from_client(wire.from_client(number, taken, portion)) == (number, taken, portion)


@given(st.binary(max_size=60))
def test_a_message_that_is_none_is_refused_or_read_and_nothing_else(payload):
    for read in (wire.read_from_client, wire.read_from_engine):
        try:
            number, *_ = read(payload)
        except BadFrame:
            continue
        assert number >= 0
