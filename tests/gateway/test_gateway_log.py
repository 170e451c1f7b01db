"""The log of requests and its limit, and which refusals are told."""

import json
from pathlib import Path

import pytest

from engine.gateway.call import Asked
from engine.gateway.log import Refusals, RequestLog


def asked(host="example.org", port=443, *, allowed=False, agent="ann"):
    return Asked(
        agent=agent,
        host=host,
        port=port,
        method="CONNECT",
        allowed=allowed,
        why="",
        at=1.5,
        bytes_up=1,
        bytes_down=2,
        seconds=0.25,
    )


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_request_is_a_line_that_only_this_user_can_read(tmp_path):
    path = tmp_path / "network.jsonl"
    log = RequestLog(path)
    log.write(asked())
    log.write(asked(allowed=True))
    log.close()
    first, second = lines(path)
    assert first == {
        "agent": "ann",
        "host": "example.org",
        "port": 443,
        "method": "CONNECT",
        "allowed": False,
        "why": "",
        "at": 1.5,
        "bytes_up": 1,
        "bytes_down": 2,
        "seconds": 0.25,
    }
    assert second["allowed"] is True
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_continued_and_ends_once(tmp_path):
    path = tmp_path / "network.jsonl"
    for _ in range(10):
        log = RequestLog(path, cap=1000)
        for _ in range(2):
            log.write(asked())
        log.close()
    *before, last = lines(path)
    assert last == {"note": "this log ends here, 1000 bytes is its limit"}
    assert all(line["agent"] == "ann" for line in before)
    assert len(before) == (1000 - len(path.read_bytes().splitlines()[-1])) // (path.read_bytes().index(b"\n") + 1)
    assert path.stat().st_size <= 1000


def test_a_short_line_after_the_end_is_not_written(tmp_path):
    path = tmp_path / "network.jsonl"
    log = RequestLog(path, cap=400)
    for host in ("a", "b" * 200, "c"):
        log.write(asked(host))
    log.close()
    assert [line.get("host") for line in lines(path)] == ["a", None]


def test_a_full_disk_ends_the_log_and_nothing_else():
    log = RequestLog(Path("/dev/full"))
    log.write(asked())
    log.write(asked())
    log.close()


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        RequestLog(tmp_path / "link")


def test_a_refusal_is_told_once_an_assignment():
    refusals = Refusals()
    assert [refusals.first(asked()) for _ in range(3)] == [True, False, False]
    assert refusals.first(asked(port=80))
    assert refusals.first(asked(agent="bob"))
    refusals.begin("ann")
    assert refusals.first(asked())
    assert not refusals.first(asked(agent="bob"))


def test_what_is_allowed_or_names_no_host_is_not_told():
    refusals = Refusals()
    assert not refusals.first(asked(allowed=True))
    assert not refusals.first(asked(host="", port=0))


def test_of_endless_hosts_a_few_are_told():
    refusals = Refusals(most=3)
    assert [refusals.first(asked(f"h{n}.example")) for n in range(5)] == [True, True, True, False, False]
