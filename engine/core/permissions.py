"""Whether a tool needs a person's leave: the crew's policy, and what a person has said once and for all.

A policy maps `KIND` or `KIND:PATTERN` to a level. KIND is a kind of tool as the adapters sort them (`execute`, `edit`,
`fetch` ...) or `*` for all. PATTERN is matched with the command line of what executes, and with each path of anything
else. Of what matches, the longest pattern counts, then KIND alone, then `*`; without any of it, leave is given.

A pattern that gives leave is not to be fooled: of a line with several commands each must be matched, a line that can
not be taken apart is matched by none, and neither is a path that leaves the clone, but by a pattern that says so. One
that asks for more care is met as soon as any part of the line is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from hashlib import sha256
from posixpath import normpath

from msgspec.json import encode

from engine.core.command_lines import parts, pieces, spoken
from engine.core.globs import allowed
from engine.core.values import Level

EXECUTE, ALL = "execute", "*"
_LONGEST = 400
_ORDER: Mapping[Level, int] = {"auto": 0, "confirm": 1, "review": 2}
Asks = Mapping[str, Level]


def decide(  # noqa: PLR0917  all that an answer depends on, in the order it is looked at
    asks: Asks, rules: Mapping[str, Mapping[str, bool]], pool: str, tool: str, paths: Iterable[str], command: str
) -> Level | bool:
    """True or False where a rule of this pool answers; else the level. Rules answer nothing but `confirm`."""
    found = level(asks, tool, paths, command)
    known = rules.get(pool, {}).get(signature(tool, paths, command)) if found == "confirm" else None
    return found if known is None else known


def level(asks: Asks, tool: str, paths: Iterable[str], command: str) -> Level:
    """What the policy says; of several commands or paths the strictest."""
    otherwise = asks.get(tool) or asks.get(ALL) or "auto"
    patterns = {key.partition(":")[2]: said for key, said in asks.items() if key.partition(":")[0] == tool}
    patterns.pop("", None)
    if not patterns:
        return otherwise
    if tool == EXECUTE:
        return _of_line(patterns, command, otherwise)
    return _strictest([_of_path(patterns, path, otherwise) for path in paths] or [otherwise])


def signature(tool: str, paths: Iterable[str], command: str) -> str:
    """What an answer is remembered by; the same for what is the same, and empty where nothing tells it apart.

    A plain command stands there as it is, anything else as JSON; what is too long ends in a hash of all of it.
    """
    files = sorted({path for path in paths if path})
    if not (command or files):
        return ""
    plain = not (files or "\n" in command or command.startswith("["))
    about = command if plain else encode([command, *files]).decode()
    short = about if len(about) <= _LONGEST else f"{about[:_LONGEST]}… {sha256(about.encode()).hexdigest()}"
    return f"{tool}: {short}"


def _strictest(levels: Iterable[Level]) -> Level:
    return max(levels, key=_ORDER.__getitem__)


def _best(found: Iterable[tuple[str, Level]], otherwise: Level) -> Level:
    """The longest pattern's level; the stricter of two that are as long."""
    return max(found, key=lambda one: (len(one[0]), _ORDER[one[1]]), default=("", otherwise))[1]


# -- command lines -------------------------------------------------------------------------------------------------


def _of_line(patterns: Asks, command: str, otherwise: Level) -> Level:
    apart = parts(command)
    if apart is None:  # it can not be told which commands these are: no leave by a pattern
        strict = {glob: said for glob, said in patterns.items() if said != "auto" or glob == "*"}
        return _strictest([_of_command(strict, piece, otherwise) for piece in pieces(command)] or [otherwise])
    return _strictest([_of_command(patterns, part, otherwise) for part in apart] or [otherwise])


def _of_command(patterns: Asks, part: str, otherwise: Level) -> Level:
    said = (part, spoken(part))
    return _best(
        ((glob, level) for glob, level in patterns.items() if _runs(said[:1] if level == "auto" else said, glob)),
        otherwise,
    )


def _runs(said: Iterable[str], glob: str) -> bool:
    """Whether a command is meant: `pytest *` is `pytest` too, with or without arguments."""
    wanted = " ".join(glob.split())
    return any(fnmatchcase(one, wanted) or (wanted.endswith(" *") and one == wanted[:-2]) for one in said)


# -- paths ---------------------------------------------------------------------------------------------------------


def _of_path(patterns: Asks, path: str, otherwise: Level) -> Level:
    return _best(((glob, level) for glob, level in patterns.items() if _is_at(path, glob, level)), otherwise)


def _is_at(path: str, glob: str, level: Level) -> bool:
    """Whether a path is meant: one out of the clone only by a glob that leaves it too, but where care is asked for."""
    plain, wanted = normpath(path) if path else "", (glob.lstrip("/"),)
    if _outside(plain) == _outside(glob):
        return allowed(plain.lstrip("/"), wanted)
    steps = plain.split("/")
    return level != "auto" and any(allowed("/".join(steps[at:]), wanted) for at in range(len(steps)))


def _outside(path: str) -> bool:
    return path.startswith(("/", "../")) or path == ".."
