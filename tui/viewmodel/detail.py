"""All that is known of the agent or the task in focus: its state with what it rests on, and its story so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.core.confinement import level
from engine.core.limits import each
from engine.core.state import Agent, Round, Run, Stage, Task
from engine.core.values import CheckRun, Guarded
from tui import cells
from tui.faces import AGENT_FACES, TASK_FACES, Face
from tui.headless.confinement import OPEN
from tui.headless.gist import size
from tui.headless.moments import count, listed, short
from tui.headless.telling import telling
from tui.viewmodel.ages import Today, age
from tui.viewmodel.amounts import by_class, used, used_on
from tui.viewmodel.amounts import told as told_by
from tui.viewmodel.board import Board
from tui.viewmodel.focus import approval
from tui.viewmodel.keys import split
from tui.viewmodel.lines import BLANK, Line, Span, clean, fit, line, said, state
from tui.viewmodel.motion import agent_moves, moves

LABEL = 12
MOST_ROWS, MOST_TELLING = 6, 5


def lines(board: Board, key: str, room: int) -> list[Line]:
    """The thing of that key, in lines of that many cells; of an approval, its task."""
    kind, name = split(key)
    if kind == "ask":
        asked = approval(board, name)
        kind, name = ("task", asked.task) if asked is not None else ("", "")
    agent, task, run = board.knows(name), board.find(name), board.run
    if kind == "agent" and agent is not None:
        return _agent(board, agent, room)
    if kind == "task" and task is not None and run is not None:
        return _task(board, run, task, room)
    return []


# -- an agent ------------------------------------------------------------------------------------------------------


def _agent(board: Board, agent: Agent, room: int) -> list[Line]:
    name = agent.spec.name
    stands = board.agent(name)
    when = _when(board, stands.since, moving=agent_moves(board, name))
    stage = stands.stage if board.live else None
    told = [
        ("because", f"{stands.evidence} (event {stands.event})"),
        ("task", f"{stage.task}, {stage.kind} of round {stage.round}" if stage is not None else ""),
        ("runtime", _runtime(agent)),
        ("tier", agent.spec.tier),
        ("model", agent.model_used or agent.spec.model),
        ("program", agent.program),
        ("does", ", ".join(agent.spec.does)),
        ("confinement", _confinement(board.state.confinement)),
        ("used", ", ".join(used(agent)) or "nothing is booked"),
        ("tokens", by_class(agent.tokens) if agent.tokens.total else ""),
        ("by its word", told_by(agent).removeprefix("says ")),
        ("limits", each(board.run.limits) if board.run is not None else ""),
        ("budget", "used up" if agent.spent_out else ""),
        ("held", _held(agent)),
        ("proof", agent.proof),
        *_holes(board.state.confinement, board.state.holes),
    ]
    head = fit(_head(board, name, AGENT_FACES.get(stands.word, "note"), stands.word, when), room)
    return [head, *_pairs(told, room), *_wrote(board, name, room)]


def _confinement(label: str) -> str:
    """The tier in force, marked where it is less than strong."""
    marks = {"strong": label, "basic": f"! {label}", "unconfined": f"{label}: {OPEN}"}
    return marks[level(label)] if label else ""


def _holes(label: str, holes: Sequence[str]) -> list[tuple[str, str]]:
    """What a basic tier is known not to hold, a row each."""
    told = holes if level(label) == "basic" else ()
    return [("known holes" if number == 0 else " ", hole) for number, hole in enumerate(told)]


def _runtime(agent: Agent) -> str:
    scripted = agent.spec.runtime == "scripted"
    return "scripted: it plays what was written down, no model is asked" if scripted else agent.spec.runtime


def _held(agent: Agent) -> str:
    return f"by a person's {agent.held}; it gets nothing until it is resumed" if agent.held else ""


def _wrote(board: Board, name: str, room: int) -> list[Line]:
    """The tasks whose latest round it wrote."""
    tasks = board.run.tasks if board.run is not None else {}
    mine = [task for task in tasks.values() if task.round is not None and task.round.author == name]
    if not mine:
        return []
    rows: list[Line] = [BLANK, line(Span("Wrote the latest round of", "bold"))]
    for task in sorted(mine, key=lambda one: -one.last)[:MOST_ROWS]:
        stands = board.task(task.spec.id)
        word = state(TASK_FACES.get(stands.word, "note"), stands.word.replace("_", " "))
        rows.append(fit(line("  ", word, "  ", Span(task.spec.id, "bold"), "  ", said(task.spec.title)), room))
    return rows


# -- a task --------------------------------------------------------------------------------------------------------


def _task(board: Board, run: Run, task: Task, room: int) -> list[Line]:
    name, spec = task.spec.id, task.spec
    stands = board.task(name)
    when = _when(board, stands.since, moving=moves(board, stands))
    followers = run.dependants.get(name, ())
    told = [
        ("because", f"{stands.evidence} (event {stands.event})"),
        ("claim", stands.graded),
        ("title", spec.title),
        ("wanted", spec.prompt if spec.prompt != spec.title else ""),
        ("agent", stands.agent),
        ("after", _after(run, spec.after)),
        ("wait on it", listed(list(followers))),
        ("may touch", ", ".join(spec.touches)),
        ("accepted if", " && ".join(spec.accept)),
        ("used", ", ".join(used_on(run, task))),
        ("budget", f"used up; quarterdeck budget raise task:{name} AMOUNT" if task.spent_out else ""),
        ("risk", spec.risk if spec.risk != "low" else ""),
        ("merged as", short(stands.commit)),
        ("cancelled", task.unwanted or ""),
    ]
    face = TASK_FACES.get(stands.word, "note")
    head = fit(_head(board, name, face, stands.word.replace("_", " "), when), room)
    rounds = [row for round_ in reversed(task.rounds) if round_.number for row in _round(run, task, round_, room)]
    return [head, *_pairs(told, room), *rounds, *_said(task, room)]


def _after(run: Run, needs: Sequence[str]) -> str:
    return ", ".join(f"{need} ({run.tasks[need].outcome or 'under way'})" for need in needs if need in run.tasks)


def _round(run: Run, task: Task, round_: Round, room: int) -> list[Line]:
    """One attempt: who, what was claimed, and what checks, reviewers and the gate made of it."""
    whose = f" by {round_.author}" if round_.author else ""
    begun = f", begun {count(round_.begun, 'time')}" if round_.begun > 1 else ""
    rows = [BLANK, line(Span(f"Attempt {round_.number}", "bold"), clean(f"{whose}{begun}"))]
    if round_.change is not None:
        claims = f"{size(round_.change)}{': ' if round_.summary else ''}{round_.summary}"
        rows += _found("claim", "claims", claims, room)
        rows += _guarded(round_.change.guarded, room)
    if round_.failure:
        rows += [*_found("bad", "failed", round_.failure, room), *_tell(round_.detail, room)]
    rows += _checked("check", round_.checked, round_.check_reason, round_.checks, room)
    for review in (one for one in task.reviews if one.round == round_.number):
        face: Face = "good" if review.verdict == "approve" else "bad"
        rows += _found(face, f"{review.verdict}s", f"{review.agent}: {review.remarks or 'without a remark'}", room)
    if round_.conflict:
        rows += _found("bad", "conflict", f"in {listed([side.path for side in round_.conflict])}", room)
    rows += _checked("gate", round_.gated, round_.gate_reason, round_.gates, room)
    rows += _found("bad", "not merged", round_.merge_reason, room) if round_.merge_reason else []
    rows += _found("good", "merged", short(round_.merged), room) if round_.merged else []
    return rows + [row for name in task.open for row in _open(run.stages[name], round_, room)]


def _guarded(files: Sequence[Guarded], room: int) -> list[Line]:
    """What of a change is not merged without a person's word."""
    rows = [row for file in files[:MOST_ROWS] for row in _found("note", "guarded", f"{file.path}: {file.why}", room)]
    more = len(files) - MOST_ROWS
    return [*rows, *(_found("note", "guarded", f"and {count(more, 'other')}", room) if more > 0 else [])]


def _open(stage: Stage, round_: Round, room: int) -> list[Line]:
    """A step of this round that has no result yet."""
    if stage.round != round_.number or stage.kind == "ask":
        return []
    if stage.obstacle:
        return _found("wait", "held up", f"{stage.kind}: {stage.obstacle}", room)
    if stage.agent:
        return _found("busy", stage.kind, f"held by {stage.agent}", room)
    return _found("plan", stage.kind, "due", room)


def _checked(what: str, passed: bool | None, reason: str, runs: Sequence[CheckRun], room: int) -> list[Line]:
    if passed is None:
        return []
    if passed:
        return _found("good", f"{what} green", ", ".join(run.command for run in runs), room)
    red = next((run for run in runs if not run.passed), None)
    return [*_found("bad", f"{what} red", reason, room), *_tell(red.output if red is not None else "", room)]


def _said(task: Task, room: int) -> list[Line]:
    """What people decided and said about it."""
    rows: list[Line] = []
    for answer in task.answers:
        if answer.granted is None:
            rows += _found("ask", "asks you", answer.what, room)
        else:
            word = "approved" if answer.granted else "denied"
            rows += _found("good" if answer.granted else "ended", word, answer.why or answer.what, room)
    for number, note in task.notes:
        rows += _found("note", "you said", f"after attempt {number}: {note}", room)
    return [BLANK, line(Span("People", "bold")), *rows] if rows else []


# -- both ----------------------------------------------------------------------------------------------------------


def _head(board: Board, name: str, face: Face, word: str, when: str) -> Line:
    past = Span("  ! stale", "alarm") if board.stale else Span("")
    return line(Span(clean(name), "bold"), "  ", state(face, word), Span(f"  {when}", "dim"), past)


def _when(board: Board, since: float, *, moving: bool) -> str:
    now = board.now()
    return f"for {age(now - since)}" if moving else Today(now).since(since)


def _pairs(told: Iterable[tuple[str, str]], room: int) -> list[Line]:
    rows: list[Line] = []
    for label, value in told:
        shown = clean(value)
        if shown and label:
            first, *rest = _wrapped(shown, room - LABEL)
            rows.append((Span(f"{label:<{LABEL}}", "label"), Span(first)))
            rows += [(Span(" " * LABEL), Span(row)) for row in rest]
    return rows


def _found(face: Face, word: str, what: str, room: int) -> list[Line]:
    lead = state(face, f"{word:<10}")
    used_ = cells.width(lead.text) + 3
    first, *rest = _wrapped(clean(what), room - used_)
    return [(Span("  "), lead, Span(f" {first}")), *((Span(" " * used_), Span(row)) for row in rest)]


def _wrapped(shown: str, room: int) -> list[str]:
    room = max(room, 8)
    found = cells.wrap(shown, room) or [""]
    if len(found) > MOST_ROWS:
        found = [*found[: MOST_ROWS - 1], cells.cut(" ".join(found[MOST_ROWS - 1 :]), room)]
    return found


def _tell(output: str, room: int) -> list[Line]:
    return [fit((Span("    │ ", "dim"), Span(row, "dim")), room) for row in telling(output, MOST_TELLING)]
