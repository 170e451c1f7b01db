"""`evolve(state, event)`: write down what an event says. The folds are in `folds`; there is no rule in any of them."""

from __future__ import annotations

from engine.core import events as e
from engine.core.folds.agents import AGENTS
from engine.core.folds.people import PEOPLE
from engine.core.folds.run import RUN
from engine.core.folds.spending import SPENDING
from engine.core.folds.stages import STAGES
from engine.core.state import State

_FOLDS = {**RUN, **STAGES, **AGENTS, **SPENDING, **PEOPLE}
ASIDE = (
    e.UsageBooked, e.BudgetWarned, e.ProviderChanged, e.SessionOpened, e.PermissionAsked, e.PermissionGiven,
)  # fmt: skip
"""What comes by the dozen and moves nothing: it makes no request stale, and nothing later follows from it."""
ENGINE = "engine"
"""Who holds the engine's own steps: checks and merges."""


def evolve(state: State, event: e.Event) -> State:
    """Fold one event in, in place. Raises KeyError where the event speaks of what was never recorded."""
    state.seq, state.at = event.seq, event.at
    fold = _FOLDS.get(type(event.data))
    if fold is not None:
        fold(state, event, event.data)
    if isinstance(event.data, ASIDE):
        return state
    run = state.run
    if run is not None and event.task:
        task = run.task(event.task)
        task.version += 1
        task.last, task.at = event.seq, event.at
    agent = state.agents.get(event.agent)
    if agent is not None:
        agent.version += 1
    return state
