"""Agents that ask for more confinement than is in force do not start, at first or when a run is taken up again."""

import pytest
from support.engines import task

from engine.api.calls import CallRefused
from engine.core.commands import StopRun


@pytest.fixture
def narrowed(place, monkeypatch):
    """The user's own settings say which mechanisms may be tried; the next engine goes by it."""
    own = place.folder / "own.toml"
    monkeypatch.setenv("QUARTERDECK_CONFIG", str(own))

    def narrow(text: str) -> None:
        own.write_text(text)
        place.down()

    own.write_text("")
    return narrow


def refused(place, *args, **request) -> CallRefused:
    with pytest.raises(CallRefused) as no:
        place.start(*args, **request)
    assert (no.value.code, no.value.exit_code) == ("confinement", 5)
    return no.value


def test_a_run_is_refused_where_nothing_confines_until_its_user_takes_that(place, narrowed):
    place.project(builders=1, agents={"careful": {"does": ["review"], "permissions.confine": "basic"}})
    narrowed("[security]\nmechanisms = []\n")
    said = str(refused(place, [task("a")], unconfined=True))
    assert said.startswith("careful asks for at least basic confinement, and in force is unconfined (namespaces: your")
    assert 'write confine = "none" under its permissions and accept it for this run with --unconfined' in said
    place.project(builders=1)
    assert "builder asks for at least basic confinement, by default" in str(refused(place, [task("a")]))
    assert place.client.status()["run"] is None
    place.start([task("a")], unconfined=True)
    assert place.end()["data"]["outcome"] == "verified"
    assert place.status("agents", "builder")["confinement"] == "unconfined"


def test_a_run_is_not_taken_up_with_less_than_its_agents_ask_for(place, narrowed):
    place.project(builders=1)
    gate = place.gate("door")
    place.start([task("a", "pause_at('door'); write('a', 'a')")])
    standing = place.arrive(gate)
    place.client.submit(StopRun(reason="enough for today"))
    place.end()
    place.release(standing)
    narrowed("[security]\nmechanisms = []\n")
    refused(place, resume=True)
    assert place.client.status()["run"]["state"] == "stopped"
    place.start(resume=True, unconfined=True)
    place.let_go("door")
    assert place.end(after=place.until("run_resumed")["seq"])["data"]["outcome"] == "verified"
    assert place.of("run_resumed")[-1]["data"]["unconfined"] is True
