"""Lines of TOML and JSON, for error messages."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.locate import json_lines, line_of, toml_lines

CORPUS = '''\
# a comment with [brackets] and = signs
goal = "x"   # behind it, too
"quoted key" = 1
'literal' = 'a # [b] = "c'
a.b.c = 2
a."b".d = 3

text = """
[not] = a table
\\"""still inside
"""
lines = \'\'\'
x = 1 \'\' \'\'\'

list = [
  "one", # comment ]
  [2, 3],

  { k = "v", "w x" = [1, 2] },
]
inline = { name = "n", deep = { er = true } }
date = 1979-05-27T07:32:00Z
empty = ""

[table]
key = 1
[ table . "sub x" ]
key = 2
[[task]]
id = "a"
[task.extra]
more = 1
[[task.step]]
n = 1
[[task.step]]
n = 2

[[task]]
id = "b"
[task.extra]
more = 2
'''

EXPECTED = {
    ("goal",): 2,
    ("quoted key",): 3,
    ("literal",): 4,
    ("a", "b", "c"): 5,
    ("a", "b", "d"): 6,
    ("text",): 8,
    ("lines",): 12,
    ("list",): 15,
    ("list", 0): 16,
    ("list", 1): 17,
    ("list", 1, 1): 17,
    ("list", 2): 19,
    ("list", 2, "k"): 19,
    ("list", 2, "w x", 1): 19,
    ("inline", "name"): 21,
    ("inline", "deep", "er"): 21,
    ("date",): 22,
    ("empty",): 23,
    ("table",): 25,
    ("table", "key"): 26,
    ("table", "sub x"): 27,
    ("table", "sub x", "key"): 28,
    ("task",): 29,
    ("task", 0): 29,
    ("task", 0, "id"): 30,
    ("task", 0, "extra"): 31,
    ("task", 0, "extra", "more"): 32,
    ("task", 0, "step", 0, "n"): 34,
    ("task", 0, "step", 1): 35,
    ("task", 0, "step", 1, "n"): 36,
    ("task", 1): 38,
    ("task", 1, "id"): 39,
    ("task", 1, "extra", "more"): 41,
}


def paths(value, path=()):
    """Every path of a value, inner ones included."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


@pytest.mark.parametrize("path", EXPECTED)
def test_every_form_of_toml_has_its_line(path):
    assert toml_lines(CORPUS)[path] == EXPECTED[path]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_lines_cover_exactly_what_the_parser_reads(end):
    text = CORPUS.replace("\n", end)
    assert set(toml_lines(text)) == set(paths(tomllib.loads(text)))


def test_what_is_not_there_has_the_line_of_what_is_around_it():
    lines = toml_lines(CORPUS)
    assert line_of(lines, ("task", 1, "missing")) == 38
    assert line_of(lines, ("nothing", "here")) is None
    assert line_of({}, ()) is None


KEYS = st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.booleans(), st.sampled_from([None, 1]))
def test_every_value_of_a_json_text_has_its_line(data, ascii_only, indent):
    text = json.dumps(data, ensure_ascii=ascii_only, indent=indent)
    lines = json_lines(text)
    assert set(lines) == set(paths(data))
    rows = text.split("\n")
    for path, line in lines.items():
        if isinstance(path[-1], str):
            assert json.dumps(path[-1], ensure_ascii=ascii_only) + ":" in rows[line - 1]


@given(st.dictionaries(st.text("abc-é \".'", max_size=4), st.text("a\"'\\\n#]=", max_size=9), max_size=6))
def test_basic_strings_and_quoted_keys_of_toml(data):
    text = "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in data.items())
    assert tomllib.loads(text) == data
    assert toml_lines(text) == {(key,): number for number, key in enumerate(data, 1)}
