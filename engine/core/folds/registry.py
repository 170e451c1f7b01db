"""Registering folds by the facts they take, and what several of them look up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core import events as e
from engine.core.state import Round, Run, State

Fold = Callable[[State, e.Event, Any], None]


class Folds(dict[type[e.Fact], Fold]):
    """Folds by fact. `on` registers one."""

    def on(self, *facts: type[e.Fact]) -> Callable[[Fold], Fold]:
        """Take these facts with the function that is decorated."""

        def register(fold: Fold) -> Fold:
            self.update(dict.fromkeys(facts, fold))
            return fold

        return register


def the_run(state: State) -> Run:
    """The run. Raises KeyError where none was recorded."""
    if state.run is None:
        raise KeyError("no run")
    return state.run


def the_round(state: State, event: e.Event) -> Round:
    """The round of work that an event is about."""
    rounds = the_run(state).task(event.task).rounds
    return next(r for r in reversed(rounds) if r.number == event.attempt)
