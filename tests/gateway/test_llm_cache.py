"""The cache of answers: identical requests only, whole answers only, never more than its size, never a pickle."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import stat
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.llm.cache import DiskCache, NotOurs, OnlyBytes
from engine.gateway.llm.content import same
from engine.gateway.llm.ports import Asked, Stored

BODY = {"model": "claude-sonnet-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
MB = 1 << 20


def asked(body=BODY, **more) -> Asked:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {
        "agent": "builder-1",
        "provider": "anthropic",
        "kind": "anthropic",
        "method": "POST",
        "path": "/v1/messages",
        "model": "claude-sonnet-5-5",
        "body": raw,
    }
    return Asked(**{**fields, **more})


ANSWER = Stored(
    status=200,
    headers=(("Content-Type", "text/event-stream"), ("Request-Id", "req_1"), ("Set-Cookie", "a=sk-test-1")),
    chunks=(b"event: ping\n", b"\xc3", b"\xa9data: {}\n\n"),
)


@pytest.fixture
def cache(tmp_path):
    made = DiskCache(tmp_path / "models", 64 * MB)
    yield made
    made.close()


def test_an_identical_request_gets_the_same_answer_in_the_same_portions(cache):
    assert cache.get(asked()) is None
    cache.put(asked(), ANSWER)
    found = cache.get(asked())
    assert (found.status, found.chunks, found.cut) == (200, ANSWER.chunks, False)


def test_nothing_is_kept_of_an_answer_s_head_but_what_its_body_is(cache):
    cache.put(asked(), ANSWER)
    assert cache.get(asked()).headers == (("Content-Type", "text/event-stream"),)


def test_it_is_still_there_for_the_next_engine(tmp_path):
    for turn in range(2):
        made = DiskCache(tmp_path / "models", MB)
        assert (made.get(asked()) is not None) is bool(turn)
        made.put(asked(), ANSWER)
        made.close()


SAME = [
    asked({**BODY, "metadata": {"user_id": "session_2"}}),
    asked(dict(reversed(BODY.items()))),
    asked(json.dumps(BODY, indent=2).encode()),
    asked(agent="reviewer"),
]


@pytest.mark.parametrize("other", SAME, ids=["metadata", "order", "spaces", "agent"])
def test_what_an_agent_s_program_makes_anew_each_time_is_no_difference(cache, other):
    cache.put(asked(), ANSWER)
    assert cache.get(other) is not None


DIFFERENT = [
    asked({**BODY, "max_tokens": 10}),
    asked({**BODY, "stream": True}),
    asked({**BODY, "messages": [{"role": "user", "content": "hi "}]}),
    asked(provider="proxy"),
    asked(kind="openai"),
    asked(model="claude-opus-5-5"),
    asked(path="/v1/messages?beta=true"),
    asked(method="GET"),
    asked(json.dumps(BODY).encode() + b"x"),
]


@pytest.mark.parametrize("other", DIFFERENT, ids=range(len(DIFFERENT)))
def test_any_other_difference_is_one(cache, other):
    cache.put(asked(), ANSWER)
    assert cache.get(other) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    one=st.dictionaries(st.text(max_size=5), JSON, max_size=4),
    other=st.dictionaries(st.text(max_size=5), JSON, max_size=4),
)
def test_two_bodies_are_the_same_exactly_if_their_content_is(one, other):
    told = [json.dumps(body, sort_keys=True) for body in (one, other)]
    kept = [json.dumps({k: v for k, v in body.items() if k != "metadata"}, sort_keys=True) for body in (one, other)]
    assert (same(asked(told[0].encode())) == same(asked(told[1].encode()))) is (kept[0] == kept[1])


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000, b'"\\ud800"', b"[1]", b"NaN"])
def test_a_body_that_is_no_object_has_a_key_too(cache, body):
    cache.put(asked(body), ANSWER)
    assert cache.get(asked(body)) is not None


@pytest.mark.parametrize(
    "answer",
    [
        replace(ANSWER, status=500),
        replace(ANSWER, status=201),
        replace(ANSWER, cut=True),
        replace(ANSWER, chunks=()),
        replace(ANSWER, chunks=(b"x" * (40 * MB),)),
    ],
    ids=["an error", "another status", "broken off", "empty", "too long"],
)
def test_what_is_no_whole_good_answer_is_not_kept(cache, answer):
    cache.put(asked(), answer)
    assert cache.get(asked()) is None


def test_it_is_for_its_owner_alone(tmp_path):
    made = DiskCache(tmp_path / "deep" / "models", MB)
    made.close()
    assert stat.S_IMODE((tmp_path / "deep" / "models").stat().st_mode) == 0o700


def test_a_folder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models").symlink_to("elsewhere")
    with pytest.raises(NotOurs, match="is not ours"):
        DiskCache(tmp_path / "models", MB)
    (tmp_path / "broken").symlink_to("nowhere")
    with pytest.raises(NotOurs):
        DiskCache(tmp_path / "broken", MB)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_user_s_folder_is_refused(tmp_path):
    (tmp_path / "models").mkdir()
    os.chown(tmp_path / "models", 65534, 65534)
    with pytest.raises(NotOurs):
        DiskCache(tmp_path / "models", MB)


def test_what_is_on_disk_stays_within_its_size_and_the_last_answer_is_there(tmp_path):
    made = DiskCache(tmp_path / "models", 2 * MB)
    for number in range(80):
        made.put(asked({**BODY, "n": number}), replace(ANSWER, chunks=(os.urandom(100_000),)))
    assert made.get(asked({**BODY, "n": 79})) is not None
    assert made.get(asked({**BODY, "n": 0})) is None
    made.close()
    database = tmp_path / "models" / "cache.db"
    assert database.stat().st_size < 3 * MB
    assert {path.name for path in database.parent.iterdir()} <= {"cache.db", "cache.db-wal", "cache.db-shm"}


class Evil:
    def __reduce__(self):
        return (os.system, ("touch /tmp/unpickled-by-the-cache",))


@pytest.mark.parametrize("mode", [1, 2, 3, 4])
def test_a_pickle_that_somebody_put_there_is_not_read(tmp_path, cache, mode, monkeypatch):
    monkeypatch.setattr(pickle, "load", lambda *_: pytest.fail("unpickled"))
    monkeypatch.setattr(pickle, "loads", lambda *_: pytest.fail("unpickled"))
    cache.put(asked(), ANSWER)
    with sqlite3.connect(tmp_path / "models" / "cache.db") as database:
        database.execute("UPDATE Cache SET mode = ?, value = ?", (mode, pickle.dumps(Evil())))
    database.close()
    assert cache.get(asked()) is None


def test_a_file_that_the_database_names_is_not_opened(tmp_path, cache):
    (tmp_path / "secret").write_bytes(b"sk-test-secret")
    cache.put(asked(), ANSWER)
    with sqlite3.connect(tmp_path / "models" / "cache.db") as database:
        database.execute("UPDATE Cache SET filename = '../secret'")
    database.close()
    assert cache.get(asked()) is None
    cache.put(asked(), ANSWER)
    assert (tmp_path / "secret").exists(), "nor is it taken away when its row is written anew"


def test_a_disk_takes_and_gives_bytes_only(tmp_path):
    disk = OnlyBytes(str(tmp_path))
    for call in (lambda: disk.put("x"), lambda: disk.store(Evil(), read=False), lambda: disk.store(b"", read=True)):
        with pytest.raises(TypeError):
            call()
    for call in (
        lambda: disk.get(b"x", raw=0),
        lambda: disk.get("x", raw=1),
        lambda: disk.fetch(0, None, b"", read=False),
    ):
        with pytest.raises(ValueError, match="not written here"):
            call()


@pytest.mark.parametrize("text", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_database_that_can_not_be_read_is_begun_anew(tmp_path, text):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "cache.db").write_bytes(text)
    made = DiskCache(tmp_path / "models", MB)
    made.put(asked(), ANSWER)
    assert made.get(asked()) is not None
    made.close()


def test_one_that_breaks_while_it_is_used_is_as_if_there_were_none(tmp_path, cache):
    cache.put(asked(), ANSWER)
    with sqlite3.connect(tmp_path / "models" / "cache.db") as database:
        database.execute("DROP TABLE Cache")
    database.close()
    assert cache.get(asked()) is None
    cache.put(asked(), ANSWER)
    assert cache.get(asked()) is None


def test_several_threads_may_use_it_at_once(cache):
    def work(number):
        for count in range(20):
            cache.put(asked({**BODY, "n": number, "c": count}), ANSWER)
            found.append(cache.get(asked({**BODY, "n": number, "c": count})) is not None)
        cache.close()

    found: list[bool] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80
