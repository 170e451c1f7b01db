"""Every fact in a few words: the state it means, what happened, and the lines that tell more.

One function a kind of fact, given the state after it. The same words serve a run in the terminal, `log` and `why`.
Nothing is made harmless or cut here: who shows it does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.core import events as e
from engine.core.limits import reached, setting
from engine.core.state import State
from engine.core.values import Change, CheckRun
from tui.faces import Face
from tui.headless.gist_of_spending import TELLERS
from tui.headless.moments import count, hour, listed, short, span
from tui.headless.said import Gist, Teller, joined
from tui.headless.telling import telling

_TELLERS: dict[type[e.Fact], Teller] = {**TELLERS}
_SAYS = {
    "clarification_request": "asks",
    "escalation": "escalates",
    "answer": "answers",
    "proposal": "proposes",
    "task_assignment": "assigns",
}
_DOING = {"work": "working", "review": "reviewing", "plan": "planning"}


def gist(event: e.Event, state: State) -> Gist:
    """What one event says. `state` is the fold up to and with it."""
    return _TELLERS[type(event.data)](event, event.data, state)


def kind_of_stage(stage: str) -> str:
    """`work` for `run/task/work.1.0`."""
    return stage.rpartition("/")[2].partition(".")[0]


def short_stage(stage: str) -> str:
    """A stage without its run, which commands take as well: `parse/ask.3.0`."""
    return stage.partition("/")[2]


def _says(*facts: type[e.Fact]) -> Callable[[Teller], Teller]:
    def register(teller: Teller) -> Teller:
        _TELLERS.update(dict.fromkeys(facts, teller))
        return teller

    return register


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text.strip() else ()


def size(change: Change) -> str:
    """`+40 -2 in 3 files`."""
    return f"+{change.added} -{change.removed} in {count(len(change.files), 'file')}"


# -- the engine and the run ----------------------------------------------------------------------------------------


@_says(e.EngineStarted)
def _engine_started(_: e.Event, data: e.EngineStarted, __: State) -> Gist:
    return Gist("note", "engine", f"version {data.version} started as process {data.pid}, {data.confinement}")


@_says(e.EngineStopped)
def _engine_stopped(_: e.Event, data: e.EngineStopped, __: State) -> Gist:
    return Gist("ended", "engine", f"ended: {data.reason}")


@_says(e.RunStarted)
def _run_started(event: e.Event, data: e.RunStarted, _: State) -> Gist:
    return Gist("busy", "run", f"{event.run} started, {data.pattern} onto {data.target}: {data.goal}")


@_says(e.RunEnded)
def _run_ended(_: e.Event, data: e.RunEnded, __: State) -> Gist:
    face: dict[str, Face] = {"verified": "good", "needs_human": "ask", "budget": "wait", "failed": "bad"}
    return Gist(face.get(data.outcome, "ended"), data.outcome, data.reason)


@_says(e.RunResumed)
def _run_resumed(_: e.Event, data: e.RunResumed, __: State) -> Gist:
    return Gist("busy", "goes on", data.reason)


@_says(e.PlanGiven)
def _plan_given(_: e.Event, data: e.PlanGiven, __: State) -> Gist:
    return Gist("claim", "proposes", f"a plan of {count(len(data.tasks), 'task')}")


@_says(e.PlanRevised)
def _plan_revised(_: e.Event, data: e.PlanRevised, __: State) -> Gist:
    dropped = f"; without {listed(list(data.cancelled))}" if data.cancelled else ""
    return Gist("plan", "plan", joined(f"{count(len(data.added), 'task')} added{dropped}", data.note))


@_says(e.PlanRefused)
def _plan_refused(_: e.Event, data: e.PlanRefused, __: State) -> Gist:
    return Gist("bad", "refused", f"the plan: {data.reason}")


# -- tasks ---------------------------------------------------------------------------------------------------------


@_says(e.TaskAdded)
def _task_added(_: e.Event, data: e.TaskAdded, __: State) -> Gist:
    after = f" (after {listed(list(data.spec.after))})" if data.spec.after else ""
    return Gist("plan", "task", f"{data.spec.title}{after}")


@_says(e.TaskRevised)
def _task_revised(_: e.Event, data: e.TaskRevised, __: State) -> Gist:
    return Gist("plan", "revised", f"the next attempt reads: {data.spec.title}")


@_says(e.TaskRetried)
def _task_retried(_: e.Event, data: e.TaskRetried, __: State) -> Gist:
    return Gist("busy", "again", data.note or "one more round of work was granted")


@_says(e.TaskReassigned)
def _task_reassigned(_: e.Event, data: e.TaskReassigned, __: State) -> Gist:
    return Gist("note", "reassigned", f"to {data.to}")


@_says(e.TaskCancelAsked)
def _task_cancel_asked(_: e.Event, data: e.TaskCancelAsked, __: State) -> Gist:
    return Gist("ended", "cancel", data.note or "it is not wanted any more")


@_says(e.TaskEnded)
def _task_ended(_: e.Event, data: e.TaskEnded, __: State) -> Gist:
    face: dict[str, Face] = {"done": "good", "cancelled": "ended"}
    text = f"merged as {short(data.commit)}" if data.commit else data.reason
    return Gist(face.get(data.outcome, "bad"), data.outcome, text)


# -- stages --------------------------------------------------------------------------------------------------------


@_says(e.StageOpened)
def _stage_opened(_: e.Event, data: e.StageOpened, __: State) -> Gist:
    if data.kind == "wait":
        return Gist("wait", "waits", f"{span(data.due)} before the next attempt")
    return Gist("plan", "due", joined(data.kind, data.why))


@_says(e.StageAssigned)
def _stage_assigned(event: e.Event, data: e.StageAssigned, _: State) -> Gist:
    if not event.attempt:
        return Gist("busy", "checking", "the base as it is, before any work")
    return Gist("plan", "assigned", kind_of_stage(data.stage))


@_says(e.StageInterrupted)
def _stage_interrupted(_: e.Event, data: e.StageInterrupted, __: State) -> Gist:
    return Gist("wait", "taken back", f"{kind_of_stage(data.stage)}: {data.reason}")


@_says(e.StageClosed)
def _stage_closed(_: e.Event, data: e.StageClosed, __: State) -> Gist:
    return Gist("plan", "closed", f"{kind_of_stage(data.stage)}: {data.result}")


@_says(e.StageCancelled)
def _stage_cancelled(_: e.Event, data: e.StageCancelled, __: State) -> Gist:
    return Gist("ended", "dropped", f"{kind_of_stage(data.stage)}: {data.reason}")


@_says(e.ResultIgnored)
def _result_ignored(_: e.Event, data: e.ResultIgnored, __: State) -> Gist:
    return Gist("note", "ignored", f"a result for {kind_of_stage(data.stage)}: {data.reason}")


@_says(e.AttemptStarted)
def _attempt_started(event: e.Event, data: e.AttemptStarted, state: State) -> Gist:
    kind = kind_of_stage(data.stage)
    agent = state.agents.get(event.agent)
    scripted = "scripted" if agent is not None and agent.spec.runtime == "scripted" else ""
    text = f"attempt {event.attempt}" if kind == "work" or event.attempt > 1 else ""
    return Gist("busy", _DOING.get(kind, kind), ", ".join(part for part in (text, scripted) if part))


@_says(e.AttemptClaimed)
def _attempt_claimed(_: e.Event, data: e.AttemptClaimed, __: State) -> Gist:
    return Gist("claim", "claims", joined(size(data.change), data.summary))


@_says(e.AttemptFailed)
def _attempt_failed(event: e.Event, data: e.AttemptFailed, _: State) -> Gist:
    kept = (f"what it left is kept as {data.kept}",) if data.kept else ()
    return Gist("bad", "failed", f"attempt {event.attempt}: {data.reason}", (*telling(data.detail), *kept))


@_says(e.CheckPassed)
def _check_passed(event: e.Event, data: e.CheckPassed, _: State) -> Gist:
    what = "the combined tree" if data.at_gate else "its own tree" if event.attempt else "the base as it is"
    return Gist("good", "green", f"{count(len(data.runs), 'check')} on {what} in {_took(data.runs)}")


@_says(e.CheckFailed)
def _check_failed(_: e.Event, data: e.CheckFailed, __: State) -> Gist:
    red = [run for run in data.runs if not run.passed]
    where = " on the combined tree" if data.at_gate else ""
    more = [line for run in red[:1] for line in (*_command(run, data.reason), *telling(run.output))]
    return Gist("bad", "red", f"{data.reason}{where}", tuple(more))


def _command(run: CheckRun, reason: str) -> tuple[str, ...]:
    return () if run.command in reason else (f"$ {run.command}",)


def _took(runs: Iterable[CheckRun]) -> str:
    return span(sum(run.seconds for run in runs))


@_says(e.ReviewGiven)
def _review_given(_: e.Event, data: e.ReviewGiven, __: State) -> Gist:
    first, *rest = data.remarks.strip().split("\n")
    if data.verdict == "approve":
        return Gist("good", "approves", first, tuple(rest))
    return Gist("bad", "rejects", "" if data.remarks.strip() else "without a remark", _lines(data.remarks))


@_says(e.ReviewFailed)
def _review_failed(_: e.Event, data: e.ReviewFailed, __: State) -> Gist:
    return Gist("bad", "no verdict", data.reason)


@_says(e.MergeDone)
def _merge_done(event: e.Event, data: e.MergeDone, state: State) -> Gist:
    change = _change(event, state)
    lines = f", {size(change)}" if change else ""
    found = ", found there after a restart" if data.found else ""
    return Gist("good", "merged", f"{short(data.commit)} onto {data.target}{lines}{found}")


def _change(event: e.Event, state: State) -> Change | None:
    task = state.run.tasks.get(event.task) if state.run else None
    rounds = task.rounds if task else []
    return next((round_.change for round_ in rounds if round_.number == event.attempt), None)


@_says(e.MergeConflicted)
def _merge_conflicted(_: e.Event, data: e.MergeConflicted, state: State) -> Gist:
    files = listed([side.path for side in data.sides])
    target = state.run.target if state.run is not None else "the target"
    return Gist("bad", "conflict", f"with {target} at {short(data.parent)} in {files}")


@_says(e.MergeWaiting)
def _merge_waiting(_: e.Event, data: e.MergeWaiting, __: State) -> Gist:
    return Gist("wait", "waits", f"its merge: {data.reason}", tuple(data.paths[:8]))


@_says(e.MergeCleared)
def _merge_cleared(_: e.Event, __: e.MergeCleared, ___: State) -> Gist:
    return Gist("busy", "goes on", "nothing is in the way of the merge any more")


@_says(e.MergeFailed)
def _merge_failed(_: e.Event, data: e.MergeFailed, __: State) -> Gist:
    return Gist("bad", "not merged", data.reason)


# -- agents --------------------------------------------------------------------------------------------------------


@_says(e.AgentPauseAsked)
def _pause_asked(_: e.Event, data: e.AgentPauseAsked, __: State) -> Gist:
    if data.why == "budget":
        return Gist("wait", "waits", joined(f"for the budget of {data.scope}", data.reason))
    if data.why == "provider":
        until = f" until {hour(data.until)}" if data.until else ""
        return Gist("wait", "waits", joined(f"for its provider{until}", data.reason))
    return Gist("wait", "pause", "asked for")


@_says(e.AgentPaused)
def _paused(_: e.Event, data: e.AgentPaused, __: State) -> Gist:
    return Gist("frozen", "paused", f"{count(data.processes, 'process')} frozen")


@_says(e.AgentResumed)
def _resumed(_: e.Event, __: e.AgentResumed, ___: State) -> Gist:
    return Gist("busy", "resumed")


@_says(e.AgentHeld)
def _held(_: e.Event, data: e.AgentHeld, __: State) -> Gist:
    return Gist("ended", "held", joined(f"gets nothing until resumed, after a {data.how}", data.reason))


@_says(e.AgentStopped)
def _stopped(_: e.Event, data: e.AgentStopped, __: State) -> Gist:
    return Gist("ended", "stopped", data.proof)


@_says(e.AgentKilled)
def _killed(_: e.Event, data: e.AgentKilled, __: State) -> Gist:
    snapshot = f"; its work is kept as {data.snapshot}" if data.snapshot else ""
    snapshot = "; its work is being kept" if data.keeping else snapshot
    word = "killed" if data.gone else "NOT killed"
    return Gist("ended" if data.gone else "bad", word, f"{data.proof}{snapshot}")


@_says(e.LimitReached)
def _limit_reached(_: e.Event, data: e.LimitReached, __: State) -> Gist:
    ended = data.limit.done == "ended"
    return Gist("bad" if ended else "wait", "limit", f"{reached(data.limit)} ({setting(data.limit.limit)})")


@_says(e.WorkKept)
def _work_kept(event: e.Event, data: e.WorkKept, _: State) -> Gist:
    what = f"{count(data.files, 'file')} +{data.added} -{data.removed}" if data.files else "what git ignores"
    lost = (f"left out: {listed(list(data.left))}{'' if data.lost <= len(data.left) else ' and more'}",)
    whose = f"what {event.agent} left unfinished" if event.agent else "unfinished work"
    return Gist("note", "kept", f"{whose}, {what}, is kept as {data.ref}: {data.why}", lost if data.lost else ())


@_says(e.WorkDropped)
def _work_dropped(_: e.Event, data: e.WorkDropped, __: State) -> Gist:
    one = len(data.refs) == 1
    return Gist(
        "note", "dropped", f"{count(len(data.refs), 'snapshot')} that {'was' if one else 'were'} too old or too much"
    )


@_says(e.WorkBroughtBack)
def _brought_back(_: e.Event, data: e.WorkBroughtBack, __: State) -> Gist:
    then = "; the next round begins with it" if data.carried else ""
    return Gist("good", "is back", f"{short(data.commit)} as branch {data.branch}{then}")


@_says(e.AgentSteered)
def _steered(_: e.Event, data: e.AgentSteered, __: State) -> Gist:
    return Gist("note", "told", f"{data.text}{'' if data.delivered else ' (in its inbox)'}")


# -- approvals, messages -------------------------------------------------------------------------------------------


@_says(e.ApprovalAsked)
def _approval_asked(_: e.Event, data: e.ApprovalAsked, __: State) -> Gist:
    name = short_stage(data.stage)
    return Gist("ask", "asks you", data.what, (f"quarterdeck approve {name}   or   quarterdeck deny {name}",))


@_says(e.ApprovalGiven)
def _approval_given(_: e.Event, data: e.ApprovalGiven, __: State) -> Gist:
    return Gist("good" if data.granted else "ended", "approved" if data.granted else "denied", data.why)


@_says(e.MessageAccepted)
def _message_accepted(_: e.Event, data: e.MessageAccepted, __: State) -> Gist:
    said = next((value for value in data.payload.values() if isinstance(value, str)), "")
    return Gist("note", _SAYS.get(data.kind, data.kind), joined(f"to {data.to}" if data.to else "", said))


@_says(e.MessageRefused)
def _message_refused(_: e.Event, data: e.MessageRefused, __: State) -> Gist:
    return Gist("bad", "refused", f"its message {data.file}: {data.reason}")


@_says(e.MessageDelivered)
def _message_delivered(_: e.Event, data: e.MessageDelivered, __: State) -> Gist:
    return Gist("plan", data.state, f"message {data.id}")


@_says(e.NetworkRefused)
def _network_refused(_: e.Event, data: e.NetworkRefused, __: State) -> Gist:
    host = f"[{data.host}]" if ":" in data.host else data.host
    return Gist("bad", "network", f"{host}:{data.port} refused: {data.why}")


@_says(e.NoticeGiven)
def _notice(_: e.Event, data: e.NoticeGiven, __: State) -> Gist:
    return Gist("note", "note", data.text)
