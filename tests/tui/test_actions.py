"""The table of actions: keys, reasons, questions and requests."""

import pytest
from support.boards import begun, board_of, texts
from support.plays import the_good_one, the_stuck_one, the_waiting_one

from engine.core import commands as c
from engine.core.amounts import BadAmount
from engine.core.errors import Refused, Stale
from engine.core.values import AgentSpec, Amount
from tui.actions import ACTIONS, BY_KEY, BY_NAME, KILL_ALL_WORD, Focus, footer, help_lines, shown_keys, target
from tui.screens.deeds import seen, versioned
from tui.viewmodel.focus import Target
from tui.viewmodel.lines import text, width
from tui.viewmodel.questions import Kill, request

AGENT, TASK = Focus("agent/builder-1", "crew"), Focus("task/one", "plan")


def why(name, board, focus):
    return BY_NAME[name].disabled(board, focus)


def at_work():
    return board_of(begun("one", "two").events)


# -- the table -----------------------------------------------------------------------------------------------------


def test_no_key_and_no_name_means_two_things():
    assert len(BY_NAME) == len(ACTIONS)
    assert len(BY_KEY) == sum(len(action.keys) for action in ACTIONS)


def test_the_keys_that_were_promised_are_there():
    promised = [
        "p",
        "r",
        "s",
        "x",
        "X",
        "a",
        "d",
        "m",
        "t",
        "c",
        "/",
        "v",
        "z",
        "tab",
        "shift+tab",
        "1",
        "9",
        "]",
        "[",
        "n",
        "N",
        "?",
        "ctrl+p",
        "escape",
        "q",
        "ctrl+c",
    ]
    assert set(promised) <= set(BY_KEY)


def test_what_cannot_be_undone_is_asked_about_and_killing_everybody_takes_a_word():
    assert {a.name for a in ACTIONS if a.danger == "typed"} == {"kill_all"}
    assert {a.name for a in ACTIONS if a.danger == "confirm"} == {
        "approve", "always", "deny", "stop", "kill", "cancel",
    }  # fmt: skip
    assert all(action.asks is not None for action in ACTIONS if action.danger != "none")
    assert KILL_ALL_WORD == "kill all"


def test_every_action_that_asks_the_engine_has_a_request_and_no_other_has():
    board, meant = at_work(), Target("builder-1", "one", "r/one/ask.1.0")
    for action in ACTIONS:
        if action.asks is None and action.name not in {"pause", "resume"}:
            with pytest.raises(KeyError):
                request(action.name, board, meant, "5usd")
        else:
            assert request(action.name, board, meant, "5usd") is not None


# -- why not now ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "focus", "reason"),
    [
        ("pause", AGENT, ""),
        ("pause", TASK, ""),
        ("pause", Focus("agent/reviewer"), "reviewer has nothing to pause: it is idle"),
        ("pause", Focus(), "highlight an agent first"),
        ("resume", AGENT, "builder-1 is neither paused nor stopped: it is working"),
        ("stop", AGENT, ""),
        ("kill", AGENT, ""),
        ("approve", AGENT, "nothing waits for you"),
        ("deny", Focus(), "nothing waits for you"),
        ("retry", TASK, "one is running; it can be tried again once it has failed"),
        ("retry", Focus("agent/reviewer"), "reviewer works on no task; highlight one in the plan"),
        ("retry", Focus(), "highlight a task first"),
        ("cancel", TASK, ""),
        ("next_match", AGENT, "nothing was searched for yet; / searches in the output or the difference"),
        ("next_match", Focus(sought="x"), ""),
        ("next_hunk", AGENT, "the difference is not in focus; v shows it, tab goes there"),
        ("next_hunk", Focus("agent/builder-1", "diff"), ""),
        ("kill_all", Focus(), ""),
        ("budget", Focus(), ""),
        ("agent", Focus(), ""),
        ("view", Focus(), ""),
    ],
)
def test_an_action_says_why_it_is_not_to_be_had(name, focus, reason):
    assert why(name, at_work(), focus) == reason


def test_a_task_nobody_works_on_has_nobody_to_pause():
    board = board_of(begun("one", "two", "three").events)
    assert why("pause", board, Focus("task/three")) == "nobody works on three"


def test_while_no_engine_answers_nothing_can_be_asked_of_it():
    board = at_work()
    board.lost("it was killed")
    for name in ("pause", "resume", "stop", "send", "approve", "deny", "retry", "cancel", "budget"):
        assert why(name, board, AGENT) == "no engine: it was killed"
    for name in ("kill", "kill_all", "quit"):
        assert why(name, board, AGENT) == ""
    assert any("No engine answers" in told for told in BY_NAME["kill"].asks(board, Target("builder-1")).lines)


def test_before_there_is_anything_every_reason_is_a_sentence():
    board = board_of([], live=False)
    for action in ACTIONS:
        reason = action.disabled(board, Focus())
        assert reason == "" or len(reason.split()) > 2
    assert why("pause", board, Focus()) == "no engine answers yet"


def test_paused_held_and_killed_agents_say_so():
    play = begun("one", "two")
    play.do(c.PauseAgent(agent="builder-1"), actor="person")
    assert why("pause", board_of(play.events), AGENT) == "builder-1 is being paused already"
    play.do(c.Froze(agent="builder-1", processes=1))
    assert why("pause", board_of(play.events), AGENT) == "builder-1 is paused already"
    assert why("resume", board_of(play.events), AGENT) == ""
    play.do(c.Killed(agent="builder-1", gone=True, proof="gone", processes=1, ms=1.0))
    board = board_of(play.events)
    assert why("pause", board, AGENT) == "builder-1 is held since its kill; there is nothing to freeze"
    assert why("stop", board, AGENT) == "builder-1 is stopped already"
    assert why("kill", board, AGENT) == "builder-1 is killed already; nothing of it runs"
    assert why("resume", board, AGENT) == ""


def test_one_that_could_not_be_killed_can_be_killed_again():
    play = begun("one")
    play.do(c.Killed(agent="builder-1", gone=False, proof="99 is in D state", processes=1, ms=1.0))
    assert why("kill", board_of(play.events), AGENT) == ""


def test_a_merged_task_and_a_run_that_is_over():
    board = board_of(the_good_one().events)
    assert why("retry", board, Focus("task/search")) == "search is merged; there is nothing to try again"
    assert why("cancel", board, Focus("task/search")) == "search is done already"
    assert why("budget", board, Focus()) == "no run is under way, so no budget is in force"


@pytest.mark.parametrize("name", ["pause", "resume", "stop", "retry", "cancel"])
@pytest.mark.parametrize("focus", [AGENT, TASK, Focus("task/two"), Focus("agent/reviewer")])
def test_what_is_offered_is_not_refused(name, focus):
    """The reasons are the engine's own rules, seen from here: what has none must be taken by the core."""
    play = begun("one", "two")
    board = board_of(play.events)
    if not why(name, board, focus):
        try:
            play.do(request(name, board, target(board, focus)), actor="person")
        except Refused as refused:
            pytest.fail(str(refused))


# -- what it acts on -----------------------------------------------------------------------------------------------


def test_a_task_stands_for_who_works_on_it_and_an_agent_for_what_it_works_on():
    assert target(at_work(), TASK)[:2] == ("builder-1", "one")
    assert target(at_work(), Focus("agent/builder-2"))[:2] == ("builder-2", "two")
    assert target(at_work(), Focus("agent/nobody")) == Target()


def two_asks():
    play = begun("one", "two", limits=c.Limits(agents=4, attempts=1))
    for task in ("one", "two"):
        play.finish(task, "work", c.Broke(reason="no", blame="work"))
    return play


def test_a_decision_is_about_what_is_highlighted_never_about_another():
    board = board_of(two_asks().events)
    asked = target(board, Focus("task/two")).approval
    assert asked.split("/")[1] == "two"
    assert target(board, Focus(f"ask/{asked}"))[:3] == ("", "two", asked)
    assert target(board, Focus()).approval == ""
    assert why("approve", board, Focus()) == "2 decisions wait for you; highlight one of them first"
    assert why("approve", board, Focus("agent/reviewer")).startswith("2 decisions")


def test_the_only_decision_can_be_made_from_anywhere_and_the_question_repeats_it():
    board = board_of(the_stuck_one().events)
    meant = target(board, Focus())
    asks = BY_NAME["approve"].asks
    assert asks is not None
    question = asks(board, meant)
    assert question.title == "Approve for parse?"
    assert any("conflicts in src/parse.py" in line for line in question.lines)
    assert request("approve", board, meant) == c.Answer(approval=meant.approval, granted=True)
    assert request("deny", board, meant, "no") == c.Answer(approval=meant.approval, granted=False, why="no")


@pytest.mark.parametrize("name", ["retry", "cancel"])
def test_what_is_asked_about_a_task_is_refused_once_the_task_is_another(name):
    play = begun("one", "two", limits=c.Limits(agents=4, attempts=1))
    board = board_of(play.events)
    meant = target(board, Focus("task/one"))
    asked = versioned(request(name, board, meant, ""), seen(board, meant))
    play.finish("one", "work", c.Broke(reason="no", blame="work"))
    with pytest.raises(Stale):
        play.do(asked, actor="person")


def test_the_question_before_a_kill_names_agent_task_and_what_is_lost():
    board = at_work()
    question = BY_NAME["kill"].asks(board, target(board, TASK))
    assert question.title == "Kill builder-1?"
    told = " ".join(question.lines)
    assert "work of one" in told
    assert "Process 5000" in told
    assert "put aside" in told
    assert request("kill", board, target(board, TASK)) == Kill("builder-1")
    assert request("kill_all", board, target(board, TASK)) == Kill(None)


def test_an_idle_agent_has_no_work_to_lose():
    board = at_work()
    told = " ".join(BY_NAME["kill"].asks(board, target(board, Focus("agent/reviewer"))).lines)
    assert "nothing of it runs" in told.lower()
    assert "put aside" not in told


def test_a_budget_is_raised_by_what_is_written_and_nonsense_is_refused():
    board = at_work()
    meant = target(board, Focus())
    assert request("budget", board, meant, "5usd") == c.RaiseBudget(scope="run", amount=Amount(usd="5"))
    with pytest.raises(BadAmount):
        request("budget", board, meant, "a lot")


@pytest.mark.parametrize(
    ("key", "whose", "told"),
    [
        ("agent/builder-1", "task:one", "What builder-1 asks for may cost 0.05usd and 900tok."),
        ("agent/builder-2", "day", "0.09usd and 8.5ktok of 9ktok are used."),
        ("task/one", "task:one", "0.08usd and 3.5ktok of 0.1usd are used."),
    ],
)
def test_the_budget_that_is_raised_is_the_one_that_is_in_the_way(key, whose, told):
    board = board_of(the_waiting_one().events)
    meant = target(board, Focus(key))
    assert request("budget", board, meant, "5usd") == c.RaiseBudget(scope=whose, amount=Amount(usd="5"))
    assert told in BY_NAME["budget"].asks(board, meant).lines


def test_leave_for_a_tool_is_asked_with_all_that_is_known_of_it_and_may_be_given_for_good():
    board = board_of(the_waiting_one().events)
    meant = target(board, Focus("agent/builder-3"))
    told = BY_NAME["approve"].asks(board, meant).lines
    assert told[:3] == ("builder-3 wants to run npm publish", "It calls it: Bash", "It says: the task says so")
    assert request("always", board, meant) == c.Answer(approval=meant.approval, granted=True, always=True)
    assert "Whoever of builder asks the same" in BY_NAME["always"].asks(board, meant).lines[-1]
    assert text(footer(board, Focus("agent/builder-3"), 120)).startswith("a approve  A always  d deny")


def test_a_decision_about_a_task_is_made_once():
    board = board_of(the_stuck_one().events)
    assert why("always", board, Focus()).startswith("it is decided once")
    assert "A always" not in text(footer(board, Focus(), 120))


def test_leave_that_is_to_be_seen_each_time_is_given_once():
    careful = AgentSpec(name="ann", runtime="claude", does=("implement", "review"), asks={"*": "review"})
    play = begun("one", crew=(careful, AgentSpec(name="rev", runtime="claude", does=("review",))))
    stage = play.stage("one", "work")
    play.do(c.AskedLeave(stage=stage.id, lease=stage.lease, id="1", tool="execute", command="make", paths=("a\x1bb",)))
    board = board_of(play.events)
    assert "does not allow a lasting answer" in why("always", board, Focus())
    told = BY_NAME["approve"].asks(board, target(board, Focus())).lines
    assert "The crew's policy wants each of these seen." in told
    assert not any("\x1b" in one for one in told)


# -- the key bar and the help --------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [20, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("focus", [AGENT, TASK, Focus(), Focus("agent/builder-1", "diff", "x")])
def test_the_key_bar_fits_and_always_says_how_to_get_help_and_out(room, focus):
    shown = footer(at_work(), focus, room)
    assert width(shown) <= room
    assert text(shown).endswith("? help  q quit")


def test_every_part_of_the_key_bar_can_be_clicked():
    for span in footer(at_work(), AGENT, 120):
        assert not span.text.strip() or span.key.removeprefix("action/") in BY_NAME


def test_what_cannot_be_done_now_keeps_its_place_but_is_off():
    inks = {span.key: span.ink for span in footer(at_work(), AGENT, 120) if span.key}
    assert inks["action/resume"] == "off"
    assert inks["action/kill"] != "off"


def test_a_decision_that_waits_comes_first():
    assert text(footer(board_of(the_stuck_one().events), AGENT, 80)).startswith("a approve  d deny")


def test_the_help_has_every_key_once_and_what_is_highlighted_first():
    shown = texts(help_lines(at_work(), TASK, 120))
    assert shown[0] == "The task"
    for action in ACTIONS:
        assert sum(line.startswith(f"  {shown_keys(action)} ") for line in shown) == 1
    assert any("neither paused nor stopped" in line for line in shown)
