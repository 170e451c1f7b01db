"""Make a program's output harmless to look at.

An agent's output may hold escape sequences that move the cursor, set the clipboard or rename the window, and direction
marks that make a line read as another one. What is left here is plain text: no control character but tab.
"""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"""
      (?: \x1b[\]PX^_] | [\x9d\x90\x98\x9e\x9f] )      # OSC, DCS, SOS, PM, APC: a string ...
        .*? (?: \x07 | \x1b\\ | \x9c | $ )             # ... up to its end, or that of the line
    | (?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]?         # CSI: colours, cursor
    | \x1b [ -/]* [0-~]?                               # the short ones
    """,
    re.VERBOSE | re.DOTALL,
)
_MARKS = (
    "\x7f-\x9f"  # DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings, overrides, isolates
    "\u2028\u2029\ufeff\ufff9-\ufffb"  # line and paragraph separators, byte order mark, annotations
    "\ud800-\udfff"  # half characters, which no terminal could be sent
)
_UNWANTED = re.compile(f"[\x00-\x08\x0a-\x1f{_MARKS}]")  # C0 but tab
_SUSPECT = re.compile(f"[\x00-\x08\x0b-\x1f{_MARKS}]")  # but tab and the end of a line


def clean(line: str) -> str:
    """One line of output without escape sequences, controls (tab stays) and direction marks.

    Of text that was overwritten with carriage returns (progress bars) the last version stays, as on a terminal.
    """
    shown = _SEQUENCE.sub("", line).rstrip("\r\n").rpartition("\r")[2]
    return _UNWANTED.sub("", shown)


def clean_lines(text: str) -> str:
    """Each line of a text, cleaned."""
    return "\n".join(map(clean, text.splitlines())) if suspect(text) else text.removesuffix("\n")


def suspect(text: str) -> bool:
    """Whether there is anything in it that `clean` would take out of its lines; far sooner said than done."""
    return _SUSPECT.search(text) is not None
