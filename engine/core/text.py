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
_UNWANTED = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # C0 but tab, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings, overrides, isolates
    "\u2028\u2029\ufeff\ufff9-\ufffb"  # line and paragraph separators, byte order mark, annotations
    "\ud800-\udfff]"  # half characters, which no terminal could be sent
)


def clean(line: str) -> str:
    """One line of output without escape sequences, controls (tab stays) and direction marks.

    Of text that was overwritten with carriage returns (progress bars) the last version stays, as on a terminal.
    """
    shown = _SEQUENCE.sub("", line).rstrip("\r\n").rpartition("\r")[2]
    return _UNWANTED.sub("", shown)


def clean_lines(text: str) -> str:
    """Each line of a text, cleaned."""
    return "\n".join(clean(line) for line in text.splitlines())
