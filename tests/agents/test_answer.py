"""From a last message to a result."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.agents.answer import MOST_SUMMARY, result_of
from engine.messages.errors import ResultRefused


def fenced(value, fence="```", word="json"):
    return f"{fence}{word}\n{json.dumps(value, indent=1)}\n{fence}"


VERDICT = {"verdict": "approve", "remarks": "Reads well."}


@pytest.mark.parametrize(
    "text",
    [
        fenced(VERDICT),
        f"I looked.\n\n{fenced(VERDICT)}\n",
        fenced(VERDICT, word=""),
        fenced(VERDICT, word="JSON"),
        fenced(VERDICT, fence="````"),
        fenced(VERDICT, fence="~~~"),
        fenced(VERDICT).replace("\n", "\r\n"),
        "  " + fenced(VERDICT),
        json.dumps(VERDICT),
        fenced({"review": VERDICT}),
        fenced({"verdict": "reject", "remarks": "an example"}) + "\n\nbut really:\n\n" + fenced(VERDICT),
        fenced(VERDICT | {"verdict": " Approved "}),
        fenced(VERDICT | {"remarks": ["Reads", "well."]}),
    ],
)
def test_the_last_block_of_a_review_is_its_verdict(text):
    review = result_of("review", text).review
    assert review.verdict == "approve"
    assert review.remarks.replace("\n", " ") == "Reads well."


def test_what_stands_around_the_block_is_its_summary():
    assert result_of("review", f"I looked.\n\n{fenced(VERDICT)}").summary == "I looked."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Looks good to me.", "a review without a verdict: its last message ends with no fenced block of JSON"),
        ("", "a review without a verdict: its last message ends with no fenced block of JSON"),
        ("```json\n{broken}\n```", "a review without a verdict: the block at its end is not JSON"),
        (fenced([1]), "a review without a verdict: the block at its end is no object"),
        (fenced({"remarks": "x"}), 'a review without a verdict: it must be "approve" or "reject"'),
        (fenced({"verdict": "approve if mended"}), 'a review without a verdict: it must be "approve" or "reject"'),
        (fenced({"verdict": True}), 'a review without a verdict: it must be "approve" or "reject"'),
        ("```json\n" + "[" * 99 + "]" * 99 + "\n```", "a review without a verdict: the block at its end is nested"),
        ('```json\n{"verdict": "reject", "verdict": "approve"}\n```', "a review without a verdict: the block at its end is given twice"),
        (fenced(VERDICT | {"remarks": "x" * 300_000}), "a review without a verdict: the block at its end is 3"),
    ],
)  # fmt: skip
def test_a_review_without_a_clear_verdict_is_refused(text, reason):
    with pytest.raises(ResultRefused) as refused:
        result_of("review", text)
    assert refused.value.reason.startswith(reason)


@pytest.mark.parametrize("text", [fenced({"task": [{"id": "a"}]}), fenced({"plan": {"task": [{"id": "a"}]}})])
def test_a_plan_has_tasks(text):
    assert result_of("plan", text).plan == {"task": [{"id": "a"}]}


@pytest.mark.parametrize("value", [{}, {"task": []}, {"task": {}}, {"tasks": "x"}])
def test_a_plan_without_tasks_is_refused(value):
    with pytest.raises(ResultRefused, match="a plan without tasks"):
        result_of("plan", fenced(value))


def test_a_summary_is_harmless_and_no_longer_than_is_read():
    assert result_of("work", "\x1b[31mred\x1b[0m \u202eevil\n\nmore").summary == "red evil\n\nmore"
    long = result_of("work", "x" * 9000).summary
    assert (len(long), long[-1]) == (MOST_SUMMARY, "…")


@given(st.sampled_from(["work", "review", "plan"]), st.text())
def test_whatever_it_says_there_is_a_result_or_a_reason(role, text):
    try:
        result = result_of(role, text)
    except ResultRefused:
        assert role != "work"
    else:
        assert role == "work" or result.review or result.plan
