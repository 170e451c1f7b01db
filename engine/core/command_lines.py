"""Taking a shell's line apart into the commands it runs, so far as that can be told without running it.

It knows quotes, separators and what is harmless of redirections, and nothing more: a line with a substitution, a
here-document, a comment or a quote it does not know is not taken apart at all. Whoever asks then trusts no part of it.
"""

from __future__ import annotations

import re
import shlex

_SEPARATORS = frozenset(";&|()\n")
_OPAQUE = frozenset("`<>#\r\0")
"""Outside of quotes: what runs or writes something besides the command, or hides what follows, as a comment does."""
_EXPANDS = re.compile(r"[$][({\[\"']")
_HARMLESS = re.compile(r"(?<![\w&>])(?:[12]?>&[12]|[12&]?> ?/dev/null)(?=$|[ \t\n;&|)])")
_CRUDE = re.compile(r"[;&|()<>`\n\r]|[$][({\[]")


def parts(line: str) -> list[str] | None:
    """The commands of a line, each with single spaces between its words; None when it can not be taken apart."""
    found, at, quote, rest = [""], 0, "", _HARMLESS.sub(" ", line)
    while at < len(rest):
        sign = rest[at]
        if sign == "\\" and quote != "'":
            if rest[at + 1 : at + 2] in {"", "\n", "\r"}:
                return None
            found[-1] += rest[at : at + 2]
            at += 2
            continue
        if _opaque(rest, at, quote):
            return None
        if not quote and sign in _SEPARATORS:
            found.append("")
        else:
            found[-1] += sign
        quote = _quoted(sign, quote)
        at += 1
    return None if quote else [plain for part in found if (plain := " ".join(part.split()))]


def _opaque(line: str, at: int, quote: str) -> bool:
    sign = line[at]
    if quote == "'":
        return False
    if quote:
        return sign == "`" or (sign == "$" and line[at + 1 : at + 2] in {"(", "{", "["})
    return sign in _OPAQUE or _EXPANDS.match(line, at) is not None


def _quoted(sign: str, quote: str) -> str:
    """The quote that is open after this sign."""
    if sign in {'"', "'"} and quote in {"", sign}:
        return "" if quote else sign
    return quote


def pieces(line: str) -> list[str]:
    """Whatever may be a command in a line, quotes or no quotes: too many rather than too few."""
    return [plain for piece in _CRUDE.split(line) if (plain := " ".join(piece.split()))]


def spoken(command: str) -> str:
    """A command as its program is told it: without quotes, without the folder of its program."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return " ".join([words[0].rpartition("/")[2], *words[1:]]) if words else command
