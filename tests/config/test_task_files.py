"""Markdown files as tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.errors import ConfigError
from engine.config.task_file import parse_task_file
from engine.core.values import TaskSpec


def test_any_markdown_is_a_task():
    spec = parse_task_file("\n# Add a parser\n\nFor dates.\n", name="parse-dates.md")
    assert spec == TaskSpec(id="parse-dates", title="Add a parser", prompt="# Add a parser\n\nFor dates.")


def test_front_matter_says_the_rest():
    text = "---\ntitle: Parse\nneeds: [python]\nafter:\n  - base\npriority: 3\nreview: false\nrisk: high\n---\nDo it.\n"
    assert parse_task_file(text, name="parse.md") == TaskSpec(
        id="parse",
        title="Parse",
        prompt="Do it.",
        needs=("python",),
        after=("base",),
        priority=3,
        review=False,
        risk="high",
    )


def test_other_lines_of_dashes_are_text_and_windows_line_ends_are_fine():
    spec = parse_task_file("---\r\ntitle: T\r\n---\r\nfirst\r\n---\r\nlast\r\n", name="a.md")
    assert (spec.title, spec.prompt) == ("T", "first\r\n---\r\nlast")


def test_dates_and_words_stay_texts():
    assert parse_task_file("---\ntitle: 2026-11-23\n---\nx", name="a.md").title == "2026-11-23"


BAD = [
    ("---\nneds: [x]\n---\nx", 'a.md:2: field "neds": unknown (did you mean "needs"?)'),
    ("---\ntitle: x\nafter: b\n---\nx", 'a.md:3: field "after": must be a list, not "b"'),
    ("---\ntitle: 3\n---\nx", 'a.md:2: field "title": must be a text, not 3'),
    ("---\nid: b\n---\nx", 'a.md:2: field "id": "b" is not the file\'s name, "a"; leave it out, or rename the file'),
    ("---\ntitle: x\ntitle: y\n---\nx", 'a.md:3: field "title": is given twice'),
    ("---\nprompt: x\n---\ny", 'a.md:2: field "prompt": is given twice, here and as the text below'),
    ("---\ntitle: x\n---\n\n", "a.md: says nothing to do; write the prompt below the front matter"),
    ("", "a.md: says nothing to do; write the prompt below the front matter"),
    ("---\ntitle: x\n", 'a.md:1: has front matter without an end; close it with a line "---"'),
    ("---\n- x\n---\nx", "a.md:1: has front matter that is no list of fields"),
    ("---\na: &x [1]\n---\nx", "a.md:2: has front matter that is not YAML: anchors and tags are not read here"),
    ("---\ntitle: !!int x\n---\nx", "a.md:2: has front matter that is not YAML: anchors and tags are not read here"),
    ("---\nafter: [a]\n---\nx", ('a.md:2: field "after": cycle: a -> a (each waits for the next); '
     "take one of these dependencies out")),
    ("---\ntouches: [/x]\n---\nx", ('a.md:2: field "touches": "/x" is not inside the repository; '
     'write a path relative to its root, without ".."')),
    ("---\nx: " + "[" * 5000 + "\n---\nx", "a.md:1: is nested too deeply"),
    ("---\nx: " + "1" * 65536 + "\n---\nx", "a.md:1: has front matter longer than 64 KB"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_files_are_refused_at_their_line(text, message):
    with pytest.raises(ConfigError) as error:
        parse_task_file(text, name="a.md")
    assert str(error.value) == message


def test_the_file_s_name_must_be_an_id():
    with pytest.raises(ConfigError, match=r'My Task\.md: field "id": "My Task" is no id'):
        parse_task_file("x", name="My Task.md")


def test_a_number_that_is_too_long_to_convert_is_refused():
    with pytest.raises(ConfigError, match="cannot be read"):
        parse_task_file("---\npriority: " + "1" * 5000 + "\n---\nx", name="a.md")


@given(st.text("-:[]{}!&*#|>'\"\\ \n\tax0?,%@`\0\x85", max_size=40))
def test_whatever_front_matter_is_read_or_refused(head):
    try:
        spec = parse_task_file(f"---\n{head}\n---\ntext", name="a.md")
    except ConfigError:
        return
    assert spec.id == "a"
