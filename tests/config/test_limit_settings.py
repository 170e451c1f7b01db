"""`[limits]`: sizes and spans as people write them, their defaults, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import schema
from engine.config.crew import limits
from engine.config.load import parse_settings
from engine.config.settings import LimitSettings
from engine.core.quantities import SIZE, SPAN, BadQuantity, about, show_size, show_span, size, span
from engine.core.values import Limits

HEAD = '[project]\ncheck = ["true"]\n'


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4GB", 4_000_000_000),
        ("4 gb", 4_000_000_000),
        ("64MiB", 64 << 20),
        ("1.5kib", 1536),
        ("007B", 7),
        ("0.5KB", 500),
        ("1TB", 10**12),
    ],
)
def test_a_size_is_what_it_says(text, count):
    assert size(text) == count


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90 s", 90), ("1.5M", 90), ("0.25s", 0.25), ("1d", 86400)]
)
def test_a_span_is_what_it_says(text, seconds):
    assert span(text) == seconds


@pytest.mark.parametrize(
    ("read", "text", "reason"),
    [
        (size, "4", '"4" is no size; write it like "4GB", "512MB" or "64MiB"'),
        (size, "4G", '"4G" is no size; write it like "4GB", "512MB" or "64MiB"'),
        (size, "-1GB", '"-1GB" is no size; write it like "4GB", "512MB" or "64MiB"'),
        (size, "0GB", '"0GB" is nothing; write more than 0'),
        (size, "1.5B", '"1.5B" is no whole number of bytes'),
        (size, "2000000TB", '"2000000TB" is more than a file system can hold; leave the limit out'),
        (span, "2", '"2" is no span of time; write it like "90s", "15m" or "2h"'),
        (span, "1h30m", '"1h30m" is no span of time; write it like "90s", "15m" or "2h"'),
        (span, "0.000s", '"0.000s" is nothing; write more than 0'),
    ],
)
def test_what_is_none_is_refused_with_the_way_out(read, text, reason):
    with pytest.raises(BadQuantity) as refused:
        read(text)
    assert str(refused.value) == reason


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text):
    for read in (size, span):
        try:
            assert read(text) > 0
        except BadQuantity:
            continue


@given(st.integers(min_value=1, max_value=10**15))
def test_sizes_come_back_exactly(count):
    assert size(show_size(count)) == count


@given(st.integers(min_value=1, max_value=10**9))
def test_spans_come_back_exactly(milliseconds):
    assert span(show_span(milliseconds / 1000)) == milliseconds / 1000


def test_what_was_measured_is_told_in_three_digits():
    assert [about(n) for n in (0, 999, 1_500, 4_312_345_678, 67_108_864)] == ["0B", "999B", "1.5KB", "4.31GB", "67.1MB"]


def test_every_limit_has_a_default():
    given_none = parse_settings(HEAD).limits
    assert given_none == LimitSettings(
        processes=512, memory="4GB", disk="8GB", file="2GB", output="2MB", log="64MB", time="2h", nice=5, freeze_idle=""
    )
    assert (given_none.memory, given_none.output, given_none.time) == (4_000_000_000, 2_000_000, 7200.0)
    assert given_none.freeze_idle == 0


def test_limits_are_told_to_the_run():
    text = HEAD + '[limits]\nprocesses = 9\nmemory = "1GiB"\nfile = ""\ntime = ""\nfreeze_idle = "15m"\nnice = 0\n'
    assert limits(parse_settings(text)) == Limits(
        agents=4,
        attempts=3,
        budget=LimitSettings().budget,
        processes=9,
        memory=1 << 30,
        disk=8_000_000_000,
        file=0,
        output=2_000_000,
        log=64_000_000,
        time=0,
        nice=0,
        freeze_idle=900,
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("memory = 4", 'field "memory": must be a text like "4GB" or "512MB"'),
        ('memory = "4 Gb/s"', 'field "memory": "4 Gb/s" is no size; write it like "4GB", "512MB" or "64MiB"'),
        ('output = ""', 'field "output": "" is no size; write it like "4GB", "512MB" or "64MiB"'),
        ("time = 2", 'field "time": must be a text like "2h" or "15m"'),
        ("nice = -5", 'field "nice": must be at least 0, not -5'),
        ("processes = -1", 'field "processes": must be at least 0, not -1'),
        ("memroy = 1", 'field "memroy": unknown (did you mean "memory"?)'),
    ],
)
def test_what_is_no_limit_is_refused(line, reason):
    with pytest.raises(Exception, match="quarterdeck") as refused:
        parse_settings(HEAD + "[limits]\n" + line)
    assert str(refused.value) == f"quarterdeck.toml:4: [limits]: {reason}"


def test_the_schema_has_their_form():
    made = schema.schema("config")["$defs"]["LimitSettings"]["properties"]
    assert made["memory"] == {
        "type": "string",
        "pattern": f"^({SIZE})?$",
        "default": "4GB",
        "description": 'of one agent; "": no limit',
        "title": "Memory",
    }
    assert made["output"]["pattern"] == f"^{SIZE}$"
    assert made["time"]["pattern"] == f"^({SPAN})?$"
