"""An agent's transcript."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.replay import make_brief

from engine.agents.base import (
    Asks,
    Context,
    Edited,
    Erred,
    Held,
    Intends,
    Notice,
    Opened,
    Retries,
    Said,
    Step,
    Text,
    Thought,
    Tool,
    Usage,
)
from engine.agents.telling import MOST_LINES, Page, Telling, raw_lines
from engine.core.text import suspect
from engine.core.values import Limits, Tokens


def page(*updates):
    shown = Page()
    return "".join(shown.render(update) for update in updates) + shown.end()


@pytest.mark.parametrize(
    ("updates", "text"),
    [
        ([Said(text="Hel"), Said(text="lo\nyou")], "Hello\nyou\n"),
        ([Said(text="a", message="1"), Said(text="b", message="2")], "a\nb\n"),
        ([Thought(text="hm"), Thought(text=" so"), Said(text="\n\nYes.")], "(thinks) hm so\nYes.\n"),
        ([Thought(text="\n"), Said(text="Yes.\n")], "Yes.\n"),
        ([Said(text="I run"), Tool(id="1", title="make", kind="execute")], "I run\n> execute: make\n"),
        (
            [
                Tool(id="1", title="make", kind="execute", status="pending"),
                Tool(id="1", title="make", kind="execute"),
                Tool(id="1", title="make", kind="execute", status="failed", output="no rule\n", exit=2),
            ],
            "> execute: make\n  failed, exit status 2\n  | no rule\n",
        ),
        ([Tool(id="1", title="read a", kind="read", status="done")], "> read: read a\n  done\n"),
        ([Opened(version="Pi 1", model="m")], "[Pi 1, m]\n"),
        ([Opened(session="s")], ""),
        (
            [Opened(version="Pi 1"), Opened(version="Pi 1", session="s"), Opened(version="Pi 1", model="m")],
            "[Pi 1]\n[Pi 1, m]\n",
        ),
        ([Edited(path="a.py", patch="@@")], "> changed a.py\n"),
        ([Intends(steps=(Step(text="a", status="done"), Step(text="b", status="running")))], "[x] a\n[-] b\n"),
        ([Asks(id="1", tool=Tool(id="t", kind="execute"), command="rm -rf /")], "? asks leave to execute: rm -rf /\n"),
        ([Retries(attempt=2, seconds=3.4, status=429)], "! request failed (429), tried again (2) in 3 s\n"),
        ([Retries(attempt=1)], "! request failed (no answer), tried again (1) in 0 s\n"),
        ([Erred(text="402"), Notice(text="note")], "! 402\n! note\n"),
        ([Usage(tokens=Tokens(input=1)), Context(used=1)], ""),
    ],
)
def test_what_it_tells_is_read_line_by_line(updates, text):
    assert page(*updates) == text


def test_much_output_is_cut_and_says_by_how_much():
    lines = "\n".join(f"line {number}" for number in range(100))
    shown = page(Tool(id="1", title="t", status="done", output=lines)).splitlines()
    assert len(shown) == MOST_LINES + 3
    assert shown[-1] == f"  | … ({100 - MOST_LINES} more lines)"
    assert page(Tool(id="1", title="a\nb\nc")) == "> other: a … (2 more)\n"
    assert len(page(Tool(id="1", title="x" * 10_000))) < 500


@given(st.lists(st.text() | st.sampled_from(["\x1b[2J", "\x1b]0;t\x07", "\u202e", "\r", "\x9b31m", "\n"]), max_size=9))
def test_nothing_in_it_can_harm_who_looks_at_it(texts):
    updates = []
    for number, text in enumerate(texts):
        tool = Tool(id=str(number), title=text, input=text, output=text, status="done")
        updates += [Said(text=text), Thought(text=text), tool, Erred(text=text), Edited(path=text), Notice(text=text)]
        updates += [
            Asks(id="1", tool=tool, command=text),
            Opened(version=text, model=text),
            Intends(steps=(Step(text=text),)),
        ]
    assert not suspect(page(*updates))


def test_it_is_written_before_it_is_passed_on(tmp_path):
    brief, seen = make_brief(tmp_path), []
    telling = Telling(brief, lambda update: seen.append((update, brief.transcript.read_text())))
    telling.tell(Said(text="Hello"))
    telling.keep(b'{"raw": 1}')
    telling.close()
    assert seen == [(Text(data=b"Hello"), "Hello"), (Said(text="Hello"), "Hello"), (Text(data=b"\n"), "Hello\n")]
    assert raw_lines(brief.transcript).read_text() == '{"raw": 1}\n'


def test_it_has_a_limit_and_that_is_said_once(tmp_path):
    brief, seen = make_brief(tmp_path, limits=Limits(log=1000)), []
    telling = Telling(brief, seen.append)
    for _ in range(100):
        telling.tell(Said(text="x" * 99 + "\n"))
        telling.keep(b"y" * 99)
    telling.close()
    assert seen.count(Held(limit="log")) == 1
    assert brief.transcript.stat().st_size < 1100
    assert raw_lines(brief.transcript).stat().st_size < 1100
    assert len([update for update in seen if isinstance(update, Said)]) == 100
