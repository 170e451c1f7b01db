"""What was put aside, in lines: how to bring it back, what came of that, and what is kept no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tui.cells import plain
from tui.headless.look import Look
from tui.headless.moments import count, day_time
from tui.headless.rows import below
from tui.headless.table import Cell, table

KB = 1000


def kept_lines(told: Mapping[str, Any], look: Look) -> list[str]:
    """What `undo` prints: kept work, what is still in clones, merges with what undoes them, and what was dropped."""
    rows: list[str] = []
    for one, row in zip(told["kept"], table([_row(one) for one in told["kept"]], look, indent=0), strict=True):
        rows += [row, *below(_more(one), 2, look)]
    rows += [_in_a_clone(one) for one in told["waiting"]]
    rows += [
        plain(f"{path} holds what could not be kept in git; delete it when you have seen it")
        for path in told["folders"]
    ]
    rows += [_merge(one, look) for one in told["merges"]]
    dropped = told["dropped"]
    if dropped["count"]:
        older = f"{dropped['count']} older one{' was' if dropped['count'] == 1 else 's were'}"
        rows.append(f"{older} dropped on {day_time(dropped['at'])[:10]}")
    if told["kept"]:
        rows.append("quarterdeck undo ID brings one back as a branch of its own; nothing is overwritten")
    return rows or ["nothing is put aside"]


def where(one: Mapping[str, Any]) -> str:
    """What it was work on: `parse 2`."""
    task = "the run" if one["task"] == "_" else one["task"]
    return f"{task} {one['attempt']}" + ("" if one["kind"] == "work" else f" ({one['kind']})")


def changed(one: Mapping[str, Any]) -> str:
    """How much it is: `3 files +10 -2`."""
    if one["files"]:
        return f"{count(one['files'], 'file')} +{one['added']} -{one['removed']}"
    return "ignored files" if one["ignored"] else "no file"


def bytes_of(size: int) -> str:
    """`340 B`, `12 KB`, `1.5 MB`; nothing where it is not known."""
    if size < KB:
        return f"{size} B" if size else ""
    return f"{size // KB} KB" if size < KB * KB else f"{size / KB / KB:.1f} MB"


def why(one: Mapping[str, Any]) -> str:
    """Why it was put aside; an earlier version did not say."""
    return plain(str(one["why"]))


def _row(one: Mapping[str, Any]) -> list[Cell]:
    when = Cell(day_time(one["at"])[:16])
    size = Cell(bytes_of(one["size"]))
    return [
        Cell(one["id"]),
        when,
        Cell(one["agent"]),
        Cell(where(one)),
        Cell(changed(one)),
        size,
        Cell(why(one), loose=True),
    ]


def _more(one: Mapping[str, Any]) -> Iterable[str]:
    if one["lost"]:
        rest = one["lost"] - len(one["left"])
        yield f"left out: {', '.join(one['left'])}" + (f" and {rest} more" if rest else "")
    if one["ignored"]:
        yield f"what git ignores of it: git restore --source={one['ignored']} --worktree -- :/"


def _in_a_clone(one: Mapping[str, Any]) -> str:
    return plain(f"{where(one)}: in the clone of {one['agent']}, kept when the engine starts")


def _merge(one: Mapping[str, Any], look: Look) -> str:
    return look.ink(plain(f"{one['task']}: merged as {one['commit'][:12]}; {one['undo']} undoes it"), "dim")


def brought_lines(done: Mapping[str, Any]) -> list[str]:
    """What came of bringing something back, exactly."""
    commit, branch, task = done["commit"][:12], done["branch"], done["task"]
    lines = [f"{commit} is the branch {branch} now; `git diff {commit}^ {commit}` shows it"]
    if done["carried"]:
        when = "" if done.get("recorded") else ", once the run goes on"
        lines.append(f"the next round of {task} begins with it{when}; one that is under way goes on as it is")
    else:
        lines.append(f"no task goes on with it; `git merge {branch}` brings it into what is checked out")
    return [plain(line) for line in lines]
