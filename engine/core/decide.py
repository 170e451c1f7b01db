"""The one way for anything to happen: a command or report goes in, numbered events come out, already folded in.

`Mind.decide` handles it, then settles to a fixed point: it asks the patterns about every task that an event touched,
gives free places to the best steps, notices budgets that are used up, and a run that came to rest. It is pure: the
time is given, ids are given, and the same inputs lead to the same events.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.core import commands as c
from engine.core import events as e
from engine.core.budgets import Budget, named, newly_reached, over, warnings
from engine.core.drafts import Draft
from engine.core.evolve import ASIDE, ENGINE, evolve
from engine.core.folds.spending import day_of
from engine.core.lookup import stirred
from engine.core.metering import about
from engine.core.reports import handle_report
from engine.core.requests import handle
from engine.core.scheduling import Agenda
from engine.core.settle import resting, step
from engine.core.state import ROOT, Run, State
from engine.core.waiting import over_with, still_short, stopped_late, thawed


class Mind:
    """The state and the index over it, kept together."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()
        self._agenda = Agenda.of(self.state)

    def replay(self, events: Iterable[e.Event]) -> None:
        """Fold recorded events in, without deciding anything."""
        for event in events:
            evolve(self.state, event)
        self._agenda = Agenda.of(self.state)

    def decide(self, command: c.Command, *, at: float, actor: str = ENGINE) -> list[e.Event]:
        """The events a command or report leads to, in order.

        `at` is seconds since the epoch, `actor` who asks. Raises Refused, and then nothing has changed.
        """
        drafts = handle_report(self.state, command) if isinstance(command, c.Report) else handle(self.state, command)
        decision = _Decision(self.state, self._agenda, at, _run_id(self.state, command))
        decision.room = isinstance(command, c.Unparked) or day_of(at) != day_of(self.state.at)
        decision.take(drafts, actor)
        decision.settle()
        return decision.events


def _run_id(state: State, command: c.Command) -> str:
    if isinstance(command, c.StartRun):
        return command.run
    return state.run.id if state.run is not None else ""


class _Decision:
    """One decision under way: the events so far, and the tasks they touched."""

    def __init__(self, state: State, agenda: Agenda, at: float, run: str) -> None:
        self.events: list[e.Event] = []
        self._state, self._agenda, self._at, self._run = state, agenda, at, run
        self._touched: dict[str, int] = {}  # task -> seq of what touched it
        self._booked: dict[str, Budget] = {}  # what something was booked on or raised, by scope
        self.room = False  # may there be room in a budget that there was not before?

    def take(self, drafts: Iterable[Draft], actor: str = ENGINE) -> None:
        """Number the drafts, fold them in, and remember whom they concern."""
        first: int | None = None
        for draft in drafts:
            event = self._event(draft, actor, first)
            first = first or event.seq
            evolve(self._state, event)
            self._agenda.note(self._state, event)
            self.events.append(event)
            self._touch(event)
            self._book(event)

    def _event(self, draft: Draft, actor: str, first: int | None) -> e.Event:
        return e.Event(
            seq=self._state.seq + 1,
            at=self._at,
            kind=e.KINDS[type(draft.data)],
            data=draft.data,
            run=self._run,
            task=draft.task,
            attempt=draft.attempt,
            agent=draft.agent,
            actor=draft.actor or actor,
            cause=draft.cause or self._cause(draft, first),
        )

    def _cause(self, draft: Draft, first: int | None) -> int | None:
        run = self._state.run
        if run is not None and (draft.task == ROOT or draft.task in run.tasks) and run.task(draft.task).last:
            return run.task(draft.task).last
        return first or (self.events[-1].seq if self.events else None)

    def _touch(self, event: e.Event) -> None:
        run, data = self._state.run, event.data
        if run is None:
            return
        if event.task and not isinstance(data, ASIDE):
            self._touched[event.task] = event.seq
        if isinstance(data, e.TaskEnded):
            self._touched |= dict.fromkeys((ROOT, *run.dependants.get(event.task, ())), event.seq)
        elif isinstance(data, e.RunStarted | e.TaskAdded):
            self._touched.setdefault(ROOT, event.seq)
        elif isinstance(data, e.RunResumed | e.EngineStarted):
            # What happens next to a task goes on from where it was left, so that `why` reaches back over a restart.
            self._touched |= {name: run.task(name).last or run.seq for name in (ROOT, *run.tasks)}
        elif event.task == ROOT and isinstance(data, e.CheckPassed | e.CheckFailed):
            self._touched |= dict.fromkeys((ROOT, *run.tasks), event.seq)

    def _book(self, event: e.Event) -> None:
        run, data = self._state.run, event.data
        if run is None or not isinstance(data, e.UsageBooked | e.BudgetRaised):
            return
        raised = named(self._state, run, data.scope) if isinstance(data, e.BudgetRaised) else None
        found = [raised] if raised is not None else over(self._state, event.agent, event.task)
        self._booked |= {budget.scope: budget for budget in found}
        self.room = True

    def settle(self) -> None:
        """Go on until no task wants anything else and no free place can be filled."""
        run = self._state.run
        if run is None or not self._state.up:
            return
        self._close_budgets(run)
        self._thaw(run)
        while run.outcome is None and (
            self._settle_tasks(run) or self._close_budgets(run) or self._thaw(run) or self._assign()
        ):
            pass
        end = resting(self._state, run) if run.outcome is None and self.events else None
        if end is not None:
            self.take([end])

    def _settle_tasks(self, run: Run) -> bool:
        moved = bool(self._touched)
        while self._touched and run.outcome is None:
            name = next(iter(self._touched))
            cause = self._touched.pop(name)
            if name == ROOT:  # which may end the run, and that is told last
                self.take(over_with(self._state))
            if name == ROOT or name in run.tasks:
                self.take(step(self._state, run, name, cause))
        return moved

    def _assign(self) -> bool:
        found = self._agenda.next(self._state)
        if found is None:
            return False
        stage, agent = found
        # The lease is the number of its own event: no two assignments ever share one, whatever is opened again.
        lease = e.StageAssigned(stage=stage.id, lease=self._state.seq + 1)
        self.take([Draft(data=lease, task=stage.task, attempt=stage.round, agent=agent, cause=stage.opened)])
        return True

    def _close_budgets(self, run: Run) -> bool:
        """Say of budgets what their new sums mean; pause who is metered late."""
        if not self._booked:
            return False
        found = [now for scope in self._booked if (now := named(self._state, run, scope)) is not None]
        self._booked.clear()
        told: list[e.BudgetReached | e.BudgetWarned] = [*newly_reached(found), *warnings(found, run.limits.warn_at)]
        drafts = [about(fact.scope, fact) for fact in told]
        self.take(drafts)
        self.take(still_short(self._state))
        self.take(stopped_late(self._state))
        return bool(drafts)

    def _thaw(self, run: Run) -> bool:
        """Let those go on who have nothing to wait for any more."""
        free = [*over_with(self._state), *(thawed(self._state, self._at) if self.room else ())]
        self.room = False
        if any(self._state.agents[draft.agent].stage for draft in free):
            self.take(stirred(run, "there is room in the budget again"))
        self.take(free)
        return bool(free)
