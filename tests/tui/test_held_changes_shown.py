"""What a person sees of a change that waits for their word: every file, why, and what a no leads to."""

from __future__ import annotations

from support.boards import board_of, texts
from support.by_hand import ByHand, task

from engine.api.status import status
from engine.core import commands as c
from tui.actions import BY_NAME, Focus, target
from tui.cells import width
from tui.headless.gist import gist
from tui.headless.look import Look
from tui.headless.status import approval_lines
from tui.viewmodel import detail, needs

FEW = (".envrc", ".github/workflows/ci.yml")
MANY = (*FEW, ".mcp.json", "CLAUDE.md", f"deep/{'and-long-' * 12}/.gitattributes")


def held(files: tuple[str, ...]) -> ByHand:
    hand = ByHand.started(task("a", review=False))
    hand.works("a/work.1.0", *files)
    hand.checks("a/check.1.0")
    return hand


def printed(hand: ByHand, columns: int) -> list[str]:
    found = status(hand.mind.state, now=9.0, engine=None)["approvals"]
    assert [file["path"] for file in found[0]["files"]] == sorted(hand.task("a").round.change.files)
    return approval_lines(found, Look(width=columns))


def test_few_files_are_named_in_the_question_itself():
    lines = printed(held(FEW), 80)
    assert " ".join(line.strip() for line in lines[1:-1]) == (
        "merge a (low risk, +0 -0), which changes .envrc (it runs when the folder is entered or opened); "
        ".github/workflows/ci.yml (it runs on a push, where secrets are)?"
    )
    assert all(width(line) <= 80 for line in lines)


def test_of_many_each_is_listed_with_its_reason_and_no_line_is_too_long():
    lines = printed(held(MANY), 60)
    assert all(width(line) <= 60 for line in lines[:-1])
    told = " ".join(line.strip() for line in lines)
    assert "and 2 others?" in told
    for name in (".mcp.json: coding agents are", "- CLAUDE.md: coding agents", ".github/workflows/ci.yml: it runs"):
        assert name in told, told


def test_the_dialog_lists_them_and_says_what_a_no_leads_to():
    board = board_of(held(MANY).all)
    meant = target(board, Focus("task/a", "plan"))
    asked, denied = BY_NAME["approve"].asks(board, meant), BY_NAME["deny"].asks(board, meant)
    assert sum(line.startswith("  ") for line in asked.lines) == len(MANY)
    assert denied.lines == (*asked.lines, "Its author tries again, and is told to leave these files as they are.")


def test_a_question_about_anything_else_lists_nothing():
    hand = ByHand.started(task("a", review=False), approvals={"low": "review"})
    hand.works("a/work.1.0", "a.py")
    hand.checks("a/check.1.0")
    board = board_of(hand.all)
    denied = BY_NAME["deny"].asks(board, target(board, Focus("task/a", "plan")))
    assert denied.lines == ("merge a (low risk, +0 -0)?", "a: do a", "+0 -0 in 1 file")
    assert status(hand.mind.state, now=9.0, engine=None)["approvals"][0]["files"] == []


def test_the_pane_the_detail_and_the_log_tell_it():
    hand = held(FEW)
    board = board_of(hand.all)
    (need,) = needs.needs(board)
    assert (need.word, need.whose) == ("asks you", "a")
    told = " ".join(" ".join(texts(detail.lines(board, need.key, 60))).split())
    assert "guarded .github/workflows/ci.yml: it runs on a push, where secrets are" in told
    event = next(event for event in hand.last if event.kind == "approval_asked")
    assert ".envrc (it runs when the folder" in gist(event, hand.mind.state).text


def test_after_a_no_the_task_says_what_was_not_granted():
    hand = held(FEW)
    hand.do(c.Answer(approval="a", granted=False, why="not ours"))
    told = " ".join(" ".join(texts(detail.lines(board_of(hand.all), "task/a", 70))).split())
    assert "denied not ours" in told
