"""A person steers: each key asks the engine for what it says, of what is highlighted, and shows what came of it."""

import getpass

from support.dash import story

from engine.core import commands as c
from engine.core.values import Amount, Tokens


@story()
async def test_p_freezes_the_highlighted_agent_and_r_lets_it_go_on(dash, engine):
    await dash.press("p")
    await dash.sees_beside("1 builder-1", "paused")
    assert engine.state(lambda state: state.agents["builder-1"].pause) == "frozen"
    await dash.press("r")
    await dash.sees_beside("1 builder-1", "working")


@story()
async def test_a_request_is_in_the_name_of_the_user(dash, engine):
    await dash.press("p")
    await dash.sees("paused")
    assert [actor for _, actor in engine.asked] == [getpass.getuser()]


@story()
async def test_what_cannot_be_done_says_why(dash, engine):
    await dash.press("r")
    await dash.sees("resume: builder-1 is neither paused nor stopped: it is working")


@story()
async def test_a_kill_is_confirmed_by_name_and_shows_its_proof(dash, engine):
    await dash.press("x")
    await dash.sees("Kill builder-1?", "at work of parse", "n  no", "y  kill it")
    await dash.press("y")
    await dash.sees("builder-1: gone", "gone: 1 process in 1 ms", "esc puts this away")
    await dash.press("enter", "j", "x", "p")
    await dash.sees("gone: 1 process in 1 ms")
    await dash.press("escape")
    await dash.sees_no("esc puts this away")
    await dash.sees_beside("1 builder-1", "stopped")
    assert engine.engine.killed == ["builder-1"]


@story()
async def test_a_kill_is_not_confirmed_by_a_bare_enter(dash, engine):
    await dash.press("x")
    await dash.sees("Kill builder-1?")
    await dash.press("enter")
    await dash.sees_no("Kill builder-1?")
    assert engine.engine.killed == []


@story()
async def test_a_kill_is_about_who_was_highlighted_when_its_key_was_pressed(dash, engine):
    await dash.press("x")
    await dash.sees("Kill builder-1?")
    await dash.press("y")
    await dash.sees("builder-1: gone")
    assert engine.engine.killed == ["builder-1"]


@story()
async def test_a_question_that_is_open_says_what_is_so_now_and_a_hasty_yes_to_what_was_so_is_not_taken(dash, engine):
    await dash.press("x")
    await dash.sees("Kill builder-1?", "at work of parse, round 1")
    engine.finish("parse/work.1.0", c.Broke(reason="too hard"))
    await dash.sees("It changed while you read", "at work of parse, round 2")
    await dash.press("y")
    await dash.pilot.pause(0.05)
    await dash.sees("Kill builder-1?")
    assert engine.engine.killed == []
    await dash.until(dash.app.screen.agreed, "there long enough to be read")
    await dash.press("y")
    await dash.sees("builder-1: gone")
    assert engine.engine.killed == ["builder-1"]


@story()
async def test_what_changes_between_the_last_picture_and_the_answer_is_shown_and_not_done(dash, engine):
    await dash.press("x")
    await dash.sees("Kill builder-1?")
    dash.app.painter.close()
    engine.finish("parse/work.1.0", c.Broke(reason="too hard"))
    await dash.until(lambda: dash.app.board.find("parse").round.number == 2, "folded")
    await dash.press("y")
    await dash.sees("It changed while you read", "round 2")
    assert engine.engine.killed == []


@story()
async def test_sums_used_meanwhile_change_no_question(dash, engine):
    await dash.press("x")
    await dash.sees("Kill builder-1?")
    engine.report(c.Spent(agent="builder-1", task="parse", tokens=Tokens(input=5)))
    await dash.sees("5 tokens")
    await dash.press("y")
    await dash.sees("builder-1: gone")


@story()
async def test_killing_all_takes_the_typed_word_and_proves_each(dash, engine):
    await dash.press("X")
    await dash.sees("Kill all 3 agents?", "builder-1 is at work of parse")
    await dash.types("kill al")
    await dash.press("enter")
    await dash.sees("Kill all 3 agents?")
    assert engine.engine.killed == []
    await dash.types("l")
    await dash.press("enter")
    await dash.sees("every agent: gone", "1 ms  builder-1", "1 ms  builder-2", "1 ms  reviewer")
    await dash.press("escape")
    await dash.sees_no("every agent: gone")


@story()
async def test_an_approval_is_first_and_is_given_after_it_was_read_again(dash, engine):
    engine.asks()
    await dash.sees("needs you", "asks you", "1 needs you")
    await dash.press("a")
    await dash.sees("Approve for parse?", "merge parse (high risk, +3 -1)?")
    await dash.press("y")
    await dash.sees_no("1 needs you")
    assert engine.state(lambda state: [a.granted for a in state.run.tasks["parse"].answers]) == [True]


@story()
async def test_leave_for_a_tool_is_read_and_given_for_good(dash, engine):
    engine.wants("parse/work.1.0", "npm test")
    await dash.sees("builder-1 wants to run npm test", "A always", "1 needs you")
    await dash.sees_beside("1 builder-1", "waiting")
    await dash.press("A")
    await dash.sees("Always allow for parse?", "Whoever of builder asks the same")
    await dash.press("y")
    await dash.sees_no("1 needs you")
    await dash.sees_beside("1 builder-1", "working")
    assert engine.state(lambda state: state.rules) == {"builder": {"execute: npm test": True}}


@story()
async def test_a_budget_is_raised_for_who_waits_for_it(dash, engine):
    engine.report(c.Spent(agent="builder-1", task="parse", tokens=Tokens(input=5), usd="0.02", source="gateway"))
    engine.report(c.Short(agent="builder-1", task="parse", needed=Amount(usd="0.09"), why="a request"))
    engine.report(c.Froze(agent="builder-1", processes=2))
    await dash.sees("the budget of task:parse is short", "b raise it")
    await dash.sees_beside("1 builder-1", "paused")
    engine.finish("store/work.1.0", c.Interrupted(reason="lost"))
    engine.report(c.StopAgent(agent="builder-2"))
    engine.report(c.Ended(agent="builder-2", proof="gone", processes=1))
    await dash.sees("… budget")  # the run rests for it, and no report of that is in the way of the key
    assert engine.state(lambda state: state.run.outcome) == "budget"
    await dash.press("b")
    await dash.sees("Raise the budget of task:parse", "What builder-1 asks for may cost 0.09usd.")
    await dash.types("1usd")
    await dash.press("enter")
    await dash.sees_beside("1 builder-1", "working")


@story()
async def test_a_denial_takes_its_reason_along(dash, engine):
    engine.asks()
    await dash.sees("asks you")
    await dash.press("d")
    await dash.sees("Deny for parse?")
    await dash.types("too risky")
    await dash.press("enter")
    await dash.sees("■ denied", "too risky")
    answer = engine.state(lambda state: state.run.tasks["parse"].answers[-1])
    assert (answer.granted, answer.why) == (False, "too risky")


@story()
async def test_a_denial_without_a_word_is_asked_about_once_more(dash, engine):
    engine.asks()
    await dash.sees("asks you")
    await dash.press("d")
    await dash.sees("Deny for parse?", "enter: deny it")
    await dash.press("enter")
    await dash.sees("y  deny it")
    await dash.press("escape")
    await dash.sees("asks you")
    assert engine.state(lambda state: state.run.tasks["parse"].answers[-1].granted) is None


@story()
async def test_what_was_decided_meanwhile_by_another_is_refused_in_words(dash, engine):
    engine.asks()
    await dash.sees("asks you")
    await dash.press("a")
    await dash.sees("Approve for parse?")
    engine.report(c.Answer(approval="parse", granted=False, why="no"))
    await dash.sees("It is decided already.")
    await dash.until(dash.app.screen.agreed, "there long enough to be read")
    await dash.press("y")
    await dash.sees("refused:")
    assert engine.state(lambda state: state.run.tasks["parse"].answers[-1].granted) is False


@story()
async def test_sums_used_meanwhile_are_no_reason_to_refuse(dash, engine):
    await dash.press("s")
    await dash.sees("Stop builder-1?")
    engine.report(c.Spent(agent="builder-1", task="parse", tokens=Tokens(input=5)))
    await dash.press("y")
    await dash.sees_beside("1 builder-1", "stop")
    assert engine.state(lambda state: state.agents["builder-1"].held) == "stop"


@story()
async def test_a_message_is_typed_and_sent(dash, engine):
    await dash.press("m")
    await dash.sees("Message to builder-1")
    await dash.types("quit fast")  # no letter of it is a key
    await dash.press("enter")
    await dash.sees_no("Message to builder-1")
    assert [request for request, _ in engine.asked] == [c.SteerAgent(agent="builder-1", text="quit fast")]


@story()
async def test_a_failed_task_is_tried_again_from_the_plan(dash, engine):
    await dash.press("tab", "tab")
    await dash.press("t")
    await dash.sees("try again: parse is running; it can be tried again once it has failed")


@story()
async def test_a_task_is_cancelled_with_a_reason(dash, engine):
    await dash.press("tab", "tab", "down")
    await dash.press("c")
    await dash.sees("Cancel store?", "Blocked by it then: print.")
    await dash.types("not needed")
    await dash.press("enter")
    await dash.sees("■ cancelled")
    assert engine.state(lambda state: state.run.tasks["store"].unwanted) == "not needed"


@story()
async def test_requests_hang_and_the_keys_go_on(dash, engine):
    engine.do(lambda fake: fake.release.clear())
    await dash.press("x", "y")
    await dash.sees("killing builder-1")
    await dash.press("2")
    await dash.sees("builder-2  ")
    await dash.press("z", "z")
    engine.do(lambda fake: fake.release.set())
    await dash.sees("builder-1: gone")
