"""Budgets of an agent, a task, the run and the day: what is left, what is said, who is paused and when that ends."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.by_hand import ByHand, agent, task

from engine.core import commands as c
from engine.core.budgets import left, lines, next_day
from engine.core.errors import Refused
from engine.core.values import Amount, Limits, TaskSpec, Tokens

DAY = 86_400.0
NONE = Amount()


def started(
    *tasks: TaskSpec,
    late: bool = False,
    budget: Amount | None = None,
    budget_of_run: Amount = NONE,
    **limits: object,
) -> ByHand:
    crew = (agent("ann", late=late, budget=budget), agent("bob"))
    given = Limits(agents=2, budget=budget_of_run, **limits)  # type: ignore[arg-type]
    return ByHand.started(*(tasks or (task("a"), task("b"))), crew=crew, limits=given, review=False)


def spend(hand: ByHand, who: str, tokens: int, usd: str = "0", name: str = "a", **more: object) -> None:
    report = c.Spent(agent=who, task=name, tokens=Tokens(input=tokens), usd=usd, **more)  # type: ignore[arg-type]
    hand.do(report, actor="engine")


def short(hand: ByHand, who: str, tokens: int, name: str = "a", **more: object) -> None:
    hand.do(c.Short(agent=who, task=name, needed=Amount(tokens=tokens), **more), actor="engine")  # type: ignore[arg-type]


def frozen(hand: ByHand, who: str) -> None:
    hand.do(c.Froze(agent=who, processes=3), actor="engine")


def raised(hand: ByHand, scope: str, tokens: int) -> list[str]:
    hand.do(c.RaiseBudget(scope=scope, amount=Amount(tokens=tokens)))
    return hand.kinds()


# -- what is left ------------------------------------------------------------------------------------------------------


def test_all_four_budgets_count_and_the_least_is_left():
    budgets = {"task_budget": Amount(tokens=50), "day_budget": Amount(usd="5")}
    hand = started(budget=Amount(tokens=100, usd="9"), **budgets)
    spend(hand, "ann", 20, "1.5")
    state = hand.mind.state
    assert lines(state, "ann", "a") == (
        ("ann", Decimal("7.5"), 80), ("task:a", None, 30), ("day", Decimal("3.5"), None),
    )  # fmt: skip
    assert left(state, "ann", "a") == ("day", Decimal("3.5"), 30)
    assert left(state, "bob", "b") == ("day", Decimal("3.5"), 50)
    assert left(state, "nobody", "nothing") == ("day", Decimal("3.5"), None)


def test_nothing_limits_who_has_no_budget():
    hand = started()
    spend(hand, "ann", 10**9, "100000")
    assert left(hand.mind.state, "ann", "a") == ("", None, None)


def test_what_is_left_is_never_below_nothing():
    hand = started(budget=Amount(tokens=10))
    spend(hand, "ann", 30)
    assert left(hand.mind.state, "ann", "a").tokens == 0


def test_a_task_s_own_budget_goes_before_what_every_task_has():
    hand = started(task("a", budget=Amount(usd="2")), task("b"), task_budget=Amount(tokens=7))
    assert left(hand.mind.state, "ann", "a") == ("task:a", Decimal(2), None)
    assert left(hand.mind.state, "ann", "b") == ("task:b", None, 7)


def test_an_agent_s_own_word_beside_the_count_and_what_the_cache_saved_are_not_spent():
    hand = started(budget=Amount(tokens=100))
    spend(hand, "ann", 40, "0.2", counted=False)
    spend(hand, "ann", 30, "0.1", source="gateway", saved=True)
    assert (hand.agent("ann").told.total, hand.agent("ann").told_usd) == (40, "0.2")
    assert (hand.run.saved.total, hand.run.saved_usd) == (30, "0.1")
    assert (hand.agent("ann").tokens.total, hand.run.tokens.total, hand.task("a").tokens.total) == (0, 0, 0)
    assert left(hand.mind.state, "ann", "a").tokens == 100


def test_bookings_make_no_request_stale_and_stand_in_no_chain_of_causes():
    hand = started()
    before, last = (hand.task("a").version, hand.agent("ann").version), hand.task("a").last
    spend(hand, "ann", 40)
    assert (hand.task("a").version, hand.agent("ann").version) == before
    assert hand.task("a").last == last


# -- the day -----------------------------------------------------------------------------------------------------------


def test_a_day_s_budget_is_fresh_after_midnight_and_so_is_what_was_raised():
    hand = started(day_budget=Amount(tokens=100))
    spend(hand, "ann", 90)
    raised(hand, "day", 50)
    state = hand.mind.state
    assert left(state, "ann", "a").tokens == 60
    assert left(state, "ann", "a", DAY - 1).tokens == 60
    assert left(state, "ann", "a", next_day(state.at)).tokens == 100


def test_a_day_goes_on_over_runs():
    hand = started(day_budget=Amount(tokens=100))
    spend(hand, "ann", 90)
    for name in ("a", "b"):
        hand.does(name)
    assert hand.run.outcome == "verified"
    again = c.StartRun(
        run="r2", goal="g", pattern="pipeline", target="main", base="b0", crew=(agent("ann"),), tasks=(task("a"),),
        limits=Limits(day_budget=Amount(tokens=100)), check=("true",), review=False,
    )  # fmt: skip
    hand.do(again)
    assert left(hand.mind.state, "ann", "a") == ("day", None, 10)


def test_who_waits_for_the_day_goes_on_when_it_is_over():
    hand = started(task("a"), day_budget=Amount(tokens=100))
    spend(hand, "ann", 90)
    short(hand, "ann", 30)
    frozen(hand, "ann")
    assert hand.run.outcome == "budget"
    hand.do(c.Unparked(agent="ann"), actor="engine")
    assert hand.agent("ann").waits == "budget"
    told = hand.mind.decide(c.Unparked(agent="ann"), at=DAY + 1)
    assert [event.kind for event in told] == ["run_resumed", "agent_resumed"]


# -- what is said ------------------------------------------------------------------------------------------------------


def test_each_mark_is_told_once_and_the_higher_one_of_two():
    hand = started(task_budget=Amount(tokens=100))
    told = []
    for _ in range(5):
        spend(hand, "ann", 19)
        told += [(event.data.scope, event.data.part) for event in hand.last if event.kind == "budget_warned"]
    assert told == [("task:a", 75), ("task:a", 90)]
    spend(hand, "bob", 95, name="b")
    assert [event.data.part for event in hand.last if event.kind == "budget_warned"] == [90]


def test_a_mark_is_told_again_of_a_budget_that_was_raised():
    hand = started(task_budget=Amount(tokens=100))
    spend(hand, "ann", 80)
    raised(hand, "task:a", 100)
    spend(hand, "ann", 80)
    assert "budget_warned" in hand.kinds()


def test_marks_are_the_run_s():
    hand = started(task_budget=Amount(tokens=100), warn_at=(10,))
    spend(hand, "ann", 11)
    assert [event.data.part for event in hand.last if event.kind == "budget_warned"] == [10]


# -- at the line -------------------------------------------------------------------------------------------------------


def test_nothing_of_a_task_at_its_line_is_begun_and_the_others_go_on():
    hand = started(task_budget=Amount(tokens=100))
    spend(hand, "ann", 100)
    assert hand.kinds() == ["usage_booked", "budget_reached"]
    hand.gives_up("a/work.1.0")
    hand.does("b")
    assert (hand.run.outcome, hand.waiting()) == ("budget", ["a/work.2.0"])
    assert "quarterdeck budget raise task:a" in hand.run.reason
    raised(hand, "task:a", 50)
    assert list(hand.assigned()) == ["a/work.2.0"]


def test_a_check_costs_nothing_and_is_made_without_budget():
    hand = started(task_budget=Amount(tokens=100))
    spend(hand, "ann", 100)
    hand.works("a/work.1.0")
    assert "a/check.1.0" in hand.assigned()


def test_a_request_that_is_too_much_is_kept_waiting_and_its_agent_stands_still():
    hand = started(task("a"), task_budget=Amount(tokens=100))
    spend(hand, "ann", 60)
    short(hand, "ann", 50)
    assert hand.kinds() == ["budget_reached", "agent_pause_asked"]
    assert hand.last[0].data.needed == Amount(tokens=50)
    assert hand.run.outcome is None
    frozen(hand, "ann")
    assert hand.kinds() == ["agent_paused", "run_ended"]
    assert (hand.run.outcome, hand.agent("ann").waits) == ("budget", "budget")
    assert list(hand.assigned()) == ["a/work.1.0"]
    assert "quarterdeck budget raise task:a AMOUNT" in hand.run.reason


def test_with_room_the_same_step_goes_on_and_with_too_little_it_is_said_again():
    hand = started(task("a"), task_budget=Amount(tokens=100))
    spend(hand, "ann", 60)
    lease = hand.stage("a/work.1.0").lease
    short(hand, "ann", 50)
    frozen(hand, "ann")
    assert raised(hand, "task:a", 5) == ["budget_raised", "run_resumed", "budget_reached", "run_ended"]
    assert raised(hand, "task:a", 5) == ["budget_raised", "run_resumed", "agent_resumed"]
    assert hand.stage("a/work.1.0").lease == lease
    assert hand.agent("ann").waits == ""


def test_only_one_of_two_budgets_with_room_is_not_enough():
    hand = started(task("a"), budget=Amount(tokens=100), task_budget=Amount(tokens=100))
    spend(hand, "ann", 60)
    short(hand, "ann", 50, scope="ann")
    frozen(hand, "ann")
    assert "agent_resumed" not in raised(hand, "ann", 100)
    assert "quarterdeck budget raise task:a" in hand.run.reason
    assert "agent_resumed" in raised(hand, "task:a", 100)


def test_the_run_goes_on_while_another_works():
    hand = started(task_budget=Amount(tokens=100))
    short(hand, "ann", 500)
    frozen(hand, "ann")
    assert hand.run.outcome is None
    hand.does("b")
    assert hand.run.outcome == "budget"


def test_where_others_hold_the_rest_it_waits_for_their_bookings_and_no_budget_is_said_to_be_reached():
    hand = started(day_budget=Amount(tokens=100))
    short(hand, "ann", 60)
    assert hand.kinds() == ["agent_pause_asked"]
    spend(hand, "bob", 10, name="b")
    assert "agent_resumed" in hand.kinds()


def test_a_person_s_resume_lets_it_try_again():
    hand = started(task("a"), task_budget=Amount(tokens=100))
    short(hand, "ann", 500)
    frozen(hand, "ann")
    hand.do(c.ResumeAgent(agent="ann"))
    assert hand.kinds() == ["agent_resumed", "run_resumed"]
    short(hand, "ann", 500)
    assert hand.kinds() == ["agent_pause_asked"]


def test_a_person_s_pause_outlives_the_want_of_budget():
    hand = started(task("a"), task_budget=Amount(tokens=100))
    short(hand, "ann", 500)
    frozen(hand, "ann")
    hand.do(c.PauseAgent(agent="ann"))
    assert (hand.agent("ann").pause, hand.agent("ann").waits) == ("frozen", "")
    assert "agent_resumed" not in raised(hand, "task:a", 1_000)


def test_a_refused_request_pauses_nobody_and_nothing_more_is_begun():
    hand = started(task("a"), task_budget=Amount(tokens=100))
    short(hand, "ann", 500, hold=False)
    assert (hand.kinds(), hand.agent("ann").pause) == (["budget_reached"], "")
    hand.gives_up("a/work.1.0")
    assert (hand.run.outcome, hand.waiting()) == ("budget", ["a/work.2.0"])


def test_a_pause_for_want_of_budget_does_not_outlive_its_step():
    hand = started(task("a"), task_budget=Amount(tokens=100))
    short(hand, "ann", 500)
    frozen(hand, "ann")
    hand.do(c.CancelTask(task="a"))
    assert (hand.agent("ann").pause, hand.run.outcome) == ("", "failed")
    assert hand.kinds()[-1] == "run_ended"


def test_what_ends_while_the_run_rests_moves_it_on():
    hand = started(task("a"), task_budget=Amount(tokens=100))
    short(hand, "ann", 500)
    frozen(hand, "ann")
    hand.works("a/work.1.0")
    assert list(hand.assigned()) == ["a/check.1.0"]


def test_one_who_is_killed_while_it_waits_gives_its_step_back():
    hand = started(task("a"), budget=Amount(tokens=100))
    short(hand, "ann", 500)
    frozen(hand, "ann")
    hand.do(c.Killed(agent="ann", gone=True, proof="gone", processes=3, ms=1.0), actor="engine")
    assert hand.assigned() == {"a/work.1.0": "bob"}


def test_after_a_restart_it_waits_for_budget_without_being_begun_again():
    hand = started(task("a"), task_budget=Amount(tokens=100))
    short(hand, "ann", 500)
    frozen(hand, "ann")
    hand.do(c.CameUp(epoch=2, pid=2, version="0", confinement="unconfined"), actor="engine")
    assert (hand.run.outcome, hand.assigned(), hand.agent("ann").pause) == ("budget", {}, "")
    raised(hand, "task:a", 1_000)
    assert list(hand.assigned()) == ["a/work.1.0"]


# -- metered late ------------------------------------------------------------------------------------------------------


def test_who_is_metered_by_its_own_word_is_paused_when_the_line_is_passed():
    hand = started(task("a"), late=True, task_budget=Amount(tokens=100))
    spend(hand, "ann", 120)
    assert hand.kinds() == ["usage_booked", "budget_reached", "agent_pause_asked"]
    frozen(hand, "ann")
    assert hand.run.outcome == "budget"
    assert "agent_resumed" not in raised(hand, "task:a", 20)
    assert "agent_resumed" in raised(hand, "task:a", 1)


# -- raising -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "amount", "told"),
    [
        ("day", Amount(tokens=5), "day has no budget in tokens"),
        ("task:a", Amount(usd="5"), "task:a has no budget in money"),
        ("run", Amount(usd="5"), "run has no budget in money, so there is none to raise"),
        ("task:zoe", Amount(usd="5"), 'no task "zoe"'),
        ("zoe", Amount(usd="5"), 'no agent "zoe"'),
    ],
)
def test_what_is_not_there_can_not_be_raised(scope, amount, told):
    hand = started(task_budget=Amount(tokens=100), budget_of_run=Amount(tokens=100))
    with pytest.raises(Refused, match=told):
        hand.do(c.RaiseBudget(scope=scope, amount=amount))


def test_to_raise_what_has_no_limit_changes_nothing():
    hand = started(task_budget=Amount(tokens=100))
    assert raised(hand, "run", 5) == []
    assert raised(hand, "ann", 5) == []


# -- providers ---------------------------------------------------------------------------------------------------------


def test_one_that_a_provider_lets_wait_counts_as_moving_and_goes_on_by_itself():
    hand = started(task("a"))
    parked = c.Parked(agent="ann", provider="anthropic", model="m", until=99.0, why="429")
    hand.do(parked, actor="engine")
    assert hand.kinds() == ["provider_changed", "agent_pause_asked"]
    frozen(hand, "ann")
    assert (hand.run.outcome, hand.agent("ann").waits, hand.agent("ann").until) == (None, "provider", 99.0)
    hand.do(parked, actor="engine")
    assert hand.kinds() == []
    hand.do(c.Unparked(agent="ann"), actor="engine")
    assert hand.kinds() == ["agent_resumed"]


def test_what_was_told_of_a_limit_already_is_not_told_again_by_who_waits_for_it():
    hand = started(task("a"))
    limited = {"agent": "ann", "provider": "anthropic", "model": "m"}
    hand.do(c.Provider(what="limited", until=99.0, why="too many requests", **limited), actor="engine")
    hand.do(c.Parked(until=99.4, why="it said so", **limited), actor="engine")
    assert hand.kinds() == ["agent_pause_asked"]
    assert hand.agent("ann").reason == "anthropic/m: too many requests"


def test_what_a_provider_s_breaker_does_is_kept_until_it_is_closed():
    hand = started(task("a"))
    trouble = {"agent": "ann", "provider": "openai", "model": "m"}
    for what in ("retry", "opened", "probing"):
        hand.do(c.Provider(what=what, **trouble), actor="engine")  # type: ignore[arg-type]
    assert hand.mind.state.providers["openai/m"].what == "probing"
    hand.do(c.Provider(what="closed", **trouble), actor="engine")  # type: ignore[arg-type]
    assert hand.mind.state.providers == {}
