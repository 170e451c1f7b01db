"""What agents, setup and checks reach: the hosts declared for each of them and no other, through the engine alone."""

import json
import stat
import sys

import pytest
from support.engines import task
from support.ways_out import web

FETCH = """\
import socket, sys, urllib.error, urllib.request


def ask(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.read().decode()}"
    except OSError as error:
        return str(error)


def direct(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 10):
            return "reached"
    except OSError as error:
        return type(error).__name__


if __name__ == "__main__":
    print(ask(sys.argv[1]))
"""
WORK = """\
sys.path.insert(0, os.getcwd())
from fetch import ask, direct
for port in ({port}, {other}, {other}):
    note("asked", ask(f"http://127.0.0.1:{{port}}/").splitlines()[0])
note("asked", direct({port}))
write("a", "1")
"""


@pytest.mark.parametrize("tier", ["in force", "basic"])
def test_each_reaches_what_is_declared_for_it_and_every_request_is_written_down(place, tier):
    settings = place.folder / "home" / "quarterdeck" / "config.toml"
    settings.parent.mkdir()
    settings.write_text('[security]\nmechanisms = ["landlock"]\n' if tier == "basic" else "")
    with web() as port, web() as other:
        allowed = f"127.0.0.1:{port}"
        fetch = f"{sys.executable} -ISB fetch.py http://{allowed}/"
        place.commit({"fetch.py": FETCH})
        place.project(
            check=[f"{fetch} | grep -q '^403 .*check may not reach {allowed}'", "grep -q '^200' fetched"],
            setup=[f"{fetch} > fetched"],
            setup_network=[allowed],
            agents={"builder": {"does": ["implement"], "permissions.network": [allowed]}},
        )
        place.start([task("a", WORK.format(port=port, other=other))])
        outcome = place.end()["data"]["outcome"]
        level = place.client.status()["confinement"]["level"]
        if level == "none" or (tier == "basic" and level != "basic"):
            pytest.skip("there is no such confinement here")
        assert outcome == "verified"
        if level == "basic":
            assert any(
                "by TCP at the ports of the way out" in hole for hole in place.client.status()["confinement"]["holes"]
            )
    why = f"403 Quarterdeck: builder may not reach 127.0.0.1:{other}: no entry allows it"
    assert place.noted("asked")[:3] == ["200", why, why]
    assert place.noted("asked")[3] in {"ConnectionRefusedError", "PermissionError"}
    (refused,) = place.of("network_refused", agent="builder")
    assert (refused["task"], refused["data"]) == (
        "a",
        {"host": "127.0.0.1", "port": other, "why": "no entry allows it"},
    )
    log = place.layout.runs / place.run / "network.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    asked = [(line["port"], line["allowed"]) for line in lines if line["agent"] == "builder"]
    assert sorted(asked) == sorted([(port, True), (port, True), (other, False), (other, False)]), "its setup and itself"
    assert {line["allowed"] for line in lines if line["agent"] == "check"} == {True, False}
