"""What is made of a change once git has taken it in: may it be handed in at all, and what of it needs a person's word.

It rests on the objects that came out of the clone, never on what the agent says of them; the rules are the core's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.core.globs import allowed, outside
from engine.core.guarded import LINK, Touch, guarded, ours, why_guarded
from engine.core.values import AgentSpec, Change, Source
from workspaces.clones import intake
from workspaces.diffs.model import File

FILES = 200
"""So many names of a change are written down."""
NAMED = 20


def refusal(spec: AgentSpec, change: intake.Change) -> str:
    """Why the agent may not hand this in, for its author; empty when it may."""
    if among := ours(change.files):
        return f"{_list(among)}: files there are Quarterdeck's own, and no part of a change"
    if spec.write is None:
        return ""
    beyond = outside(change.files, spec.write)
    if not beyond:
        return ""
    allowed = ", ".join(spec.write) or "nothing"
    return f"it changes {_list(beyond)}, outside of what it may change ({allowed}); hand in the rest without"


def recorded(
    spec: AgentSpec, change: intake.Change, *, source: Source, hooks: str = "", links: Mapping[str, str] | None = None
) -> Change:
    """What the record holds of a change by this agent. `hooks` and `links` are what the rules have to know of its base.

    What its person gave it beforehand holds for tasks of people: a planner does not come by it with a pin. `source` is
    who wrote the task.
    """
    given = spec.given if source != "planner" else ()
    return Change(
        commit=change.commit,
        tree=change.tree,
        base=change.base,
        patch=change.patch,
        files=change.files[:FILES],
        added=change.added,
        removed=change.removed,
        guarded=guarded((_touch(file) for file in change.parsed), given=given, hooks=hooks, links=links),
    )


def astray(spec: AgentSpec, paths: Iterable[str]) -> tuple[str, ...]:
    """Of paths that a merge brought in and the change did not have, those that would have had to be granted.

    Whoever renames a file on the target takes what others change in it along, to wherever it went.
    """
    return tuple(path for path in paths if why_guarded(path) or (spec.write and not allowed(path, spec.write)))


def _touch(file: File) -> Touch:
    target = file.text if file.new_mode == LINK and file.old in {None, file.new} else None
    return Touch(file.old or "", file.new or "", file.old_mode or "", file.new_mode or "", target)


def _list(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return f"{', '.join(paths[:NAMED])}{more}"
