"""A run as it happens: a pure fold from events to lines, one line an event that matters.

A failure is followed by its reason and the telling lines of what was really printed. The story remembers the state and
nothing else; what is not worth a line here is still in `quarterdeck log`.
"""

from __future__ import annotations

from engine.core import events as e
from engine.core.evolve import evolve
from engine.core.state import ROOT, State
from tui.headless.ending import Proof, ending
from tui.headless.gist import gist, kind_of_stage
from tui.headless.look import Look
from tui.headless.moments import clock
from tui.headless.opening import opening
from tui.headless.rows import Columns, rows
from tui.headless.said import Gist

_ALWAYS = (
    e.EngineStopped, e.RunResumed, e.PlanRevised, e.PlanRefused, e.TaskAdded, e.TaskRevised, e.TaskRetried,
    e.TaskReassigned, e.TaskCancelAsked, e.StageInterrupted, e.AttemptStarted, e.AttemptClaimed, e.AttemptFailed,
    e.CheckFailed, e.ReviewGiven, e.ReviewFailed, e.MergeDone, e.MergeConflicted, e.MergeWaiting, e.MergeCleared,
    e.MergeFailed, e.AgentPaused, e.AgentResumed, e.AgentHeld, e.AgentStopped, e.AgentKilled, e.LimitReached,
    e.AgentSteered,
    e.BudgetReached, e.BudgetRaised, e.ApprovalAsked, e.ApprovalGiven, e.MessageRefused, e.NetworkRefused,
    e.NoticeGiven, e.BudgetWarned, e.RuleMade, e.RuleDropped,
)  # fmt: skip
_TALK = frozenset({"note", "escalation", "clarification_request", "answer", "proposal", "error"})
_TROUBLES = frozenset({"limited", "opened", "closed", "fallback"})
NARROW = 100


class Story:
    """Tells one run. `where` is the repository, for the commands that prove the result again.

    `state` is what is so before the first event that is told, `merged` the last merge until then; the story folds on
    in that state, which is its own from here on. `path` is the folder in which the gate finds programs first.
    """

    def __init__(
        self, look: Look, where: str = ".", *, state: State | None = None, merged: e.Event | None = None, path: str = ""
    ) -> None:
        self._look = look
        self._where, self._path = where, path
        self._state = State() if state is None else state
        self._merged = merged

    def opening(self) -> list[str]:
        """The head of the run that goes on; nothing before a run has begun."""
        return opening(self._state, self._state.run, self._look) if self._state.run is not None else []

    def tell(self, event: e.Event) -> list[str]:
        """The lines of one event; most events that are bookkeeping have none, nor have those told before."""
        if event.seq <= self._state.seq:
            return []
        evolve(self._state, event)
        if isinstance(event.data, e.MergeDone):
            self._merged = event
        if isinstance(event.data, e.RunStarted):
            self._merged = None
            return self.opening()
        run = self._state.run
        if isinstance(event.data, e.RunEnded) and run is not None:
            return ending(run, self._state, Proof(self._merged, self._where, self._path), self._look)
        return self._lines(event, gist(event, self._state)) if matters(event) else []

    def _lines(self, event: e.Event, what: Gist) -> list[str]:
        run = self._state.run
        since = clock(event.at - run.started) if run is not None else ""
        cells = (since, who(event), about(event))
        return rows(cells, what, self._columns(len(since)), self._look)

    def _columns(self, time: int) -> Columns:
        """Wide enough for the time and for the names there are, within reason."""
        run = self._state.run
        narrow = self._look.width is not None and self._look.width < NARROW
        agents = max((len(name) for name in self._state.agents), default=0)
        tasks = max((len(name) for name in run.tasks), default=0) if run is not None else 0
        most_agent, most_task = (10, 12) if narrow else (16, 24)
        return Columns((max(time, 5), min(max(agents, 6), most_agent), min(max(tasks, 8), most_task)))


def matters(event: e.Event) -> bool:
    """Is it worth a line while a run is on?"""
    data = event.data
    if isinstance(data, e.CheckPassed):
        return not data.at_gate  # the merge says it
    if isinstance(data, e.TaskEnded):
        return event.task != ROOT and data.outcome != "done"
    if isinstance(data, e.StageOpened):
        return data.kind == "wait"
    if isinstance(data, e.StageAssigned):
        return event.task == ROOT and kind_of_stage(data.stage) == "check"  # the first thing that takes time
    if isinstance(data, e.MessageAccepted):
        return data.kind in _TALK
    if isinstance(data, e.AgentPauseAsked | e.PermissionAsked | e.PermissionGiven | e.ProviderChanged):
        return _of_spending(data)
    return isinstance(data, _ALWAYS)


def _of_spending(data: e.AgentPauseAsked | e.PermissionAsked | e.PermissionGiven | e.ProviderChanged) -> bool:
    """What an agent waits for by itself, and what a person is asked and says; the policy's own answers are routine."""
    match data:
        case e.AgentPauseAsked():
            return bool(data.why)
        case e.PermissionAsked():
            return not data.known
        case e.PermissionGiven():
            return data.by == "person"
        case e.ProviderChanged():
            return data.what in _TROUBLES


def who(event: e.Event) -> str:
    """The agent it is about, else who said it; a person is `you`."""
    if isinstance(event.data, e.NoticeGiven):
        return "engine"
    return event.agent or ("you" if event.actor == "person" else event.actor)


def about(event: e.Event) -> str:
    """The task it is about; the root's own steps are the base's check and the plan."""
    if event.task != ROOT:
        return event.task
    return "plan" if event.attempt else "base"
