"""The suite can fail: each of these breaks one promise on purpose, and some seed must find it."""

from __future__ import annotations

from support.simulation import person
from support.simulation.hands import Faults
from support.simulation.journal import Journal
from support.simulation.purse import Purse
from support.simulation.world import simulate

from engine.core import decide, reports, routing, scheduling, settle
from engine.core import events as e
from engine.core.drafts import Draft
from engine.core.patterns import common

SEEDS = 300
ROUGH = {"breaks": 0.1, "lost": 0.1, "hangs": 0.1, "doubles": 0.2, "stale": 0.2, "rejects": 0.1, "red": 0.1}


def found(faults: Faults | None = None) -> str:
    """What the first seed that breaks a law says; empty when none does."""
    for seed in range(SEEDS):
        try:
            simulate(seed, faults=faults)
        except Exception as error:  # noqa: BLE001  a broken core may also trip over itself
            return f"{type(error).__name__}: {error}"
    return ""


def test_nothing_is_found_where_nothing_is_broken():
    assert found(Faults(**ROUGH)) == ""


def test_hands_that_look_for_no_trailer_merge_twice():
    assert "merged twice" in found(Faults(**ROUGH, looks_for_trailer=False))


def test_hands_that_run_no_gate_merge_without_evidence():
    assert "never passed" in found(Faults(**ROUGH, gates=False))


def test_reports_under_an_old_lease_are_found_when_they_count(monkeypatch):
    def any_lease(state, name, _):
        stage = state.run.stages.get(name) if state.run is not None else None
        return "the stage is closed" if stage is None else stage

    monkeypatch.setattr(reports, "_leased", any_lease)
    assert "old lease counts" in found(Faults(**ROUGH))


def test_a_cancelled_merge_that_was_made_is_found(monkeypatch):
    monkeypatch.setattr(common.View, "merging", False)
    eager = [60 if wish is person._cancel else weight for wish, weight in person._PLANNED.items()]
    monkeypatch.setattr(person, "_WEIGHTS", eager)
    assert "on the target" in found(Faults(**ROUGH))


def test_a_held_agent_that_gets_work_is_found(monkeypatch):
    monkeypatch.setattr(scheduling, "free", lambda agent: not agent.stage)
    assert "is given" in found(Faults(**ROUGH))


def test_an_author_who_judges_its_own_change_is_found(monkeypatch):
    def blind(agent, stage):
        return set(stage.needs).issubset(agent.spec.does)

    monkeypatch.setattr(routing, "may", blind)
    assert "judged" in found(Faults(**ROUGH))


def test_a_run_that_never_asks_for_more_attempts_is_found(monkeypatch):
    monkeypatch.setattr(common, "_again", lambda view, round_: common._work(view, round_.number + 1))
    assert "allowed" in found(Faults(**ROUGH))


def test_a_change_that_needs_a_person_s_word_and_is_merged_without_is_found(monkeypatch):
    monkeypatch.setattr(common, "needs_consent", lambda run, task, round_: None)
    assert "which nobody granted" in found(Faults(**ROUGH))


def test_a_durable_event_that_is_lost_is_found(monkeypatch):
    honest = Journal.crash

    def careless(self, rng):
        honest(self, rng)
        del self.durable[-3:]

    monkeypatch.setattr(Journal, "crash", careless)
    assert "lost" in found(Faults(**ROUGH))


def test_a_purse_that_lets_everything_through_is_found_to_overspend(monkeypatch):
    monkeypatch.setattr(Purse, "room", lambda self, state, hold, at: True)
    assert " spends " in found(Faults(**ROUGH))


def test_an_agent_that_waits_in_spite_of_room_is_found(monkeypatch):
    monkeypatch.setattr(decide, "thawed", lambda state, at: ())
    assert "there is room" in found(Faults(**ROUGH))


def test_an_agent_that_is_thawed_without_room_is_found(monkeypatch):
    def careless(state, at):
        names = [name for name, agent in state.agents.items() if agent.paused_for == "budget" and agent.stage]
        return [Draft(data=e.AgentResumed(), agent=name) for name in names]

    monkeypatch.setattr(decide, "thawed", careless)
    assert "thawed without room" in found(Faults(**ROUGH))


def test_a_run_that_rests_while_somebody_works_is_found(monkeypatch):
    def all_of_them(state, run):
        return {agent.stage for agent in state.agents.values() if agent.stage}

    monkeypatch.setattr(settle, "waiting_stages", all_of_them)
    monkeypatch.setattr(settle, "_why", lambda state, run, stage: "budget")
    assert "came to rest while" in found(Faults(**ROUGH))


def test_a_pause_that_outlives_its_step_is_found(monkeypatch):
    monkeypatch.setattr(decide, "over_with", lambda state: ())
    assert found(Faults(**ROUGH))


def test_a_rest_that_names_nobody_is_found(monkeypatch):
    monkeypatch.setattr(settle, "_why", lambda state, run, stage: "it just waits")
    assert "rests for nobody" in found(Faults(**ROUGH))
