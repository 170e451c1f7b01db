"""What a run ends with: the sum of it, and the proof, with the commands that show it again.

The proof is read off the record: the commit and tree the target was left at, and the gate that passed on exactly that
tree. Where there is no such gate it says so.
"""

from __future__ import annotations

import shlex
from collections import Counter
from typing import NamedTuple

from engine.core import events as e
from engine.core.approvals import waiting_approvals
from engine.core.state import Round, Run, State
from engine.core.waiting import short_scopes
from tui import cells
from tui.faces import Face
from tui.headless.gist import short_stage
from tui.headless.look import Look
from tui.headless.moments import clock, listed, short, span, spent
from tui.headless.rows import below, pairs

_FACES: dict[str, Face] = {"verified": "good", "failed": "bad", "budget": "wait", "needs_human": "ask"}
_WORDS = {"needs_human": "WAITS FOR YOU"}
MOST_TROUBLES = 8


class Proof(NamedTuple):
    """What the last merge was, in which repository, and the folder its programs were found in first, if any."""

    merged: e.Event | None
    where: str
    path: str = ""


def ending(run: Run, state: State, proof: Proof, look: Look) -> list[str]:
    """The last lines of a run."""
    lines = ["", *_verdict(run, look), *pairs(_sums(run, state), look), *_troubles(run, look)]
    lines += _proof(run, proof, look) if proof.merged is not None else []
    return [*lines, *_ways_on(state, run, look)]


def _verdict(run: Run, look: Look) -> list[str]:
    outcome = run.outcome or ""
    word = _WORDS.get(outcome, outcome.upper())
    used = len(word) + 4
    first, *rest = cells.wrap(cells.plain(run.reason), look.left(used))
    state = look.state(_FACES.get(outcome, "ended"), word)
    return [f"{state}  {first}", *(" " * used + row for row in rest)]


def _sums(run: Run, state: State) -> list[tuple[str, str]]:
    rounds = sum(len([r for r in task.rounds if r.number]) for task in run.tasks.values())
    again = sum(max(len([r for r in task.rounds if r.number]) - 1, 0) for task in run.tasks.values())
    outcomes = Counter(task.outcome or "unfinished" for task in run.tasks.values())
    busy = [f"{name} {agent.done}" for name, agent in state.agents.items() if agent.done]
    return [
        ("tasks", ", ".join(f"{number} {word}" for word, number in outcomes.most_common()) or "none"),
        ("attempts", f"{rounds}{f', {again} of them to mend an earlier one' if again else ''}"),
        ("time", clock(run.ended - run.started)),
        ("steps", listed(busy, 12)),
        ("used", spent(run.tokens, run.usd)),
    ]


def _troubles(run: Run, look: Look) -> list[str]:
    bad = [(name, task) for name, task in run.tasks.items() if task.outcome in {"failed", "blocked", "cancelled"}]
    lines = []
    for name, task in bad[:MOST_TROUBLES]:
        word = task.outcome or ""
        told = look.fit(f"{name}: {cells.plain(task.reason)}", len(word) + 5)
        lines.append(f"  {look.state('bad', word)} {told}")
    return [*lines, *([f"  and {len(bad) - MOST_TROUBLES} more"] if len(bad) > MOST_TROUBLES else [])]


def _proof(run: Run, proof: Proof, look: Look) -> list[str]:
    if proof.merged is None or not isinstance(proof.merged.data, e.MergeDone):
        return []
    merge = proof.merged.data
    told = [
        ("target", f"{merge.target} at {merge.commit}"),
        ("tree", merge.tree),
        *(("gate", line) for line in _gates(_round(run, proof.merged), merge.tree)),
    ]
    again = [
        f"git -C {shlex.quote(proof.where)} log --oneline {short(run.base)}..{shlex.quote(merge.target)}",
        f"(cd {shlex.quote(proof.where)} && {_with_path(proof)}{' && '.join(run.check)})",
        f"quarterdeck audit verify --repo {shlex.quote(proof.where)}",
    ]
    shown = [f"  {cells.plain(line)}" for line in again]
    return ["", look.ink("The proof", "bold"), *pairs(told, look), "", look.ink("See it again", "bold"), *shown]


def _with_path(proof: Proof) -> str:
    return f"export PATH={shlex.quote(proof.path)}:$PATH && " if proof.path else ""


def _round(run: Run, merged: e.Event) -> Round | None:
    task = run.tasks.get(merged.task)
    return next((r for r in (task.rounds if task else []) if r.number == merged.attempt), None)


def _gates(round_: Round | None, tree: str) -> list[str]:
    runs = [run for run in (round_.gates if round_ else ()) if run.passed and run.tree == tree]
    if not runs:
        return ["no gate is recorded for exactly this tree"]
    return [
        f"passed on exactly this tree{f' in {span(run.seconds)}' if run.seconds else ''}: {run.command}" for run in runs
    ]


def _ways_on(state: State, run: Run, look: Look) -> list[str]:
    lines: list[str] = []
    for ask in waiting_approvals(run):
        if ask.what not in run.reason:
            lines += below([ask.what], 2, look)
        name = short_stage(ask.stage) if ask.stage in run.stages else ask.stage.rpartition("/")[2]
        lines.append(f"  quarterdeck approve {name}   or   quarterdeck deny {name}")
    if run.outcome == "stopped":
        lines.append("  go on with: quarterdeck run --resume")
    if run.outcome == "budget":
        scopes = short_scopes(state, run) or ("run",)
        lines += [f"  go on with: quarterdeck budget raise {cells.plain(scope)} AMOUNT" for scope in scopes]
    return lines
