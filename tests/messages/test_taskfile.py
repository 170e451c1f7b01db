"""Task files that people write: forgiving about form, exact about what is wrong and where."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.values import TaskSpec
from engine.messages.errors import TaskFileRefused
from engine.messages.taskfile import LONGEST_TITLE, parse_task_file, state_file, task_files


def parse(text: str | bytes, name: str = "parse.md") -> TaskSpec:
    return parse_task_file(Path("tasks") / name, text.encode() if isinstance(text, str) else text)


def refusal(text: str | bytes, name: str = "parse.md") -> TaskFileRefused:
    with pytest.raises(TaskFileRefused) as caught:
        parse(text, name)
    assert f"tasks/{name}" in str(caught.value)
    return caught.value


FULL = TaskSpec(
    id="parse",
    title="Read dates",
    prompt="Make it so.\n\nAll of it.",
    kind="implement",
    needs=("python",),
    after=("model", "api"),
    touches=("src/parse.py",),
    priority=3,
    agent="builder",
    accept=("pytest -q tests/test_parse.py",),
    review=False,
    risk="medium",
)


def test_a_whole_head_in_yaml():
    assert (
        parse("""---
title: Read dates
kind: implement
needs: [python]
after:
  - model
  - api
touches: [src/parse.py]
priority: 3
agent: builder
accept: ["pytest -q tests/test_parse.py"]
review: false
risk: medium   # a comment
---
Make it so.

All of it.
""")
        == FULL
    )


def test_the_same_in_toml():
    assert (
        parse("""+++
title = "Read dates"
needs = ["python"]
after = [
  "model",
  "api",
]
touches = ["src/parse.py"]
priority = 3
agent = "builder"
accept = ["pytest -q tests/test_parse.py"]
review = false
risk = "medium"
+++
Make it so.

All of it.
""")
        == FULL
    )


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("fix the date parser\nit breaks on leap days", "fix the date parser"),
        ("some words\n\n## Fix dates ##\nmore", "Fix dates"),
        ("\n\n# Fix   \n", "Fix"),
        ("```\n# a comment in code\n```\nafter", "```"),
        ("#hashtag is no heading", "#hashtag is no heading"),
        ("---\nkind: docs\n---\n# Head\ntext", "Head"),
        ("---\n---\nonly text", "only text"),
        ("\ufeffwindows\r\nfile\r\n", "windows"),
        ("w" * 500, "w" * (LONGEST_TITLE - 1) + "…"),
    ],
)
def test_without_a_title_it_is_the_first_heading_or_line(text, title):
    assert parse(text).title == title


def test_the_prompt_is_the_whole_text_below_the_head():
    assert parse("# Fix\n\nbecause\n").prompt == "# Fix\n\nbecause"
    assert parse("---\nprompt: said above\n---\n\n").prompt == "said above"
    assert parse("---\ntitle: only that\n---\n").prompt == ""


def test_the_head_may_repeat_the_id_but_not_contradict_the_name():
    assert parse("---\nid: parse\n---\nx").id == "parse"
    assert refusal("---\nkind: a\nid: other\n---\nx").line == 3


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Fix Dates.md", "fix-dates.md"),
        ("a_b.md", "a-b.md"),
        ("é.md", "task.md"),
        ("-Ü-.md", "task.md"),
        ("A..md", "a.md"),
    ],
)
def test_a_name_that_is_no_id_is_refused_with_a_better_one(name, proposed):
    assert f"call it {proposed}" in refusal("x", name).reason


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("", 1, ""),
        (" \n\n", 1, ""),
        ("---\n---\n", 1, ""),
        ("---\ntitle: x\n", 1, ""),
        ("---\ntitle: x\nprioritty: 3\n---\nx", 3, "prioritty"),
        ("---\ntitle: 7\n---\nx", 2, "title"),
        ("---\nkind: a\n\ntitle: 2026-01-01\n---\nx", 4, "title"),
        ("---\npriority: high\n---\nx", 2, "priority"),
        ("---\nafter: model\n---\nx", 2, "after"),
        ("---\nafter:\n  - model\n  - 7\n---\nx", 4, "after"),
        ("---\nkind: a\ntouches: [../etc]\n---\nx", 3, "touches"),
        ("---\nafter: [parse]\n---\nx", 2, "after"),
        ("---\nrisk: extreme\n---\nx", 2, "risk"),
        ("---\nprompt: above\n---\nbelow", 2, "prompt"),
        ("---\nkind: a\nkind: b\n---\nx", 3, ""),
        ("---\nkind: &a x\n---\nx", 2, ""),
        ("---\nkind: x\nagent: *a\n---\nx", 3, ""),
        ("---\nkind: !!python/object:os.system x\n---\nx", 2, ""),
        ("---\ntitle: !!timestamp foo\n---\nx", 2, ""),
        ("---\nkind: [\n---\nx", 3, ""),
        ("---\n? [a]\n: b\n---\nx", 2, ""),
        ("---\n7: b\n---\nx", 2, ""),
        ("---\nneeds: {2026-01-01: b}\n---\nx", 2, ""),
        ("---\njust text\n---\nx", 2, ""),
        ("---\n- a\n---\nx", 2, ""),
        ("---\nkind: " + "[" * 5000 + "\n---\nx", 2, ""),
        ("---\n" + "# words\n" * 3000 + "---\nx", 1, ""),
        ("---\ntitle: a\n\x00\n---\nx", 3, ""),
        ("+++\ntitle = \n+++\nx", 2, ""),
        ("+++\nkind = 'a'\nkin = 3\n+++\nx", 3, "kin"),
        ("+++\na = " + "[" * 5000 + "\n+++\nx", None, ""),
        (b"one\ntwo \xff\n", 2, ""),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_wrong_is_told_at_its_line_and_field(text, line, field):
    refused = refusal(text)
    assert (refused.line, refused.field) == (line, field), str(refused)


def test_lines_are_told_right_in_files_with_windows_ends():
    assert refusal("---\r\ntitle: x\r\nkin: y\r\n---\r\nx").line == 3


def test_control_characters_in_the_text_are_data():
    text = "\x1b[31m \u202e \x07 do it"
    assert parse(text).prompt == text


@given(st.binary(max_size=400) | st.text().map(lambda text: f"---\n{text}\n---\nx".encode()))
def test_whatever_the_file_only_a_task_or_a_refusal_comes_out(raw):
    try:
        told = parse(raw).id
    except TaskFileRefused as refused:
        told = refused.reason
    assert told


words = st.sampled_from(
    ["title", "after", "needs", "kind", ":", ": ", "- ", "[", "]", "{", "}", "\n", "  ", "!!int ", "0b_", "1_", "<<",
     "2026-99-99", "|", ">", "'", '"', "&a", "*a", "=", "~", "? ", "0o9", "1:99", ".inf", "%", "@", "\t", "---\n", "..."]
)  # fmt: skip


@given(st.lists(words, max_size=14).map("".join), st.sampled_from(["---", "+++"]))
def test_no_yaml_or_toml_trap_escapes(head, fence):
    try:
        told = parse(f"{fence}\n{head}\n{fence}\nx").id
    except TaskFileRefused as refused:
        told = refused.reason
    assert told


def test_only_markdown_files_are_listed_and_traps_are_refused(tmp_path):
    for name in ("b.md", "a.md", "notes.txt", ".a.md.swp", "a.md~", "#a.md#", ".#a.md"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".state").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    found = task_files(tmp_path)
    assert [(one.path.name, one.raw) for one in found] == [("a.md", b"a.md"), ("b.md", b"b.md"), ("pipe.md", None)]
    assert task_files(tmp_path / "none") == []


def test_every_task_file_is_listed_however_many(tmp_path):
    for number in range(300):
        (tmp_path / f"{number}.md").write_text("x")
    assert len(task_files(tmp_path)) == 300


def test_the_state_is_written_whole_over_the_earlier_one(tmp_path):
    state_file(tmp_path, "parse", {"state": "running"})
    path = state_file(tmp_path, "parse", {"state": "done", "title": "grüße"})
    assert path == tmp_path / ".state" / "parse.json"
    assert json.loads(path.read_text()) == {"state": "done", "title": "grüße"}
    assert [entry.name for entry in path.parent.iterdir()] == ["parse.json"]
