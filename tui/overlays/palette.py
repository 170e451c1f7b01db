"""Finding anything by name: actions with their keys, and why not where one is not to be had; agents; tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import ACTIONS, Action, shown_keys
from tui.cells import plain
from tui.viewmodel.keys import key

if TYPE_CHECKING:
    from tui.app import Quarterdeck

_OWN = {"palette", "agent", "back"}
"""What makes no sense to look for here."""


class Thing(NamedTuple):
    """Something to be found: how it is called, what is said of it, and what choosing it does."""

    name: str
    told: str
    choose: Callable[[], None]


class Everything(Provider):
    """Gives the palette what the dashboard knows of."""

    @property
    def _dashboard(self) -> Quarterdeck:
        return cast("Quarterdeck", self.app)

    async def discover(self) -> Hits:
        """All of it, before anything was typed."""
        for thing in self._things():
            yield DiscoveryHit(thing.name, thing.choose, help=thing.told)

    async def search(self, query: str) -> Hits:
        """What fits."""
        matcher = self.matcher(query)
        for thing in self._things():
            score = matcher.match(f"{thing.name} {thing.told}")
            if score > 0:
                yield Hit(score, matcher.highlight(thing.name), thing.choose, text=thing.name, help=thing.told)

    def _things(self) -> Iterator[Thing]:
        for action in ACTIONS:
            if action.name not in _OWN:
                yield self._action(action)
        board = self._dashboard.board
        for name in board.state.agents:
            stands = board.agent(name)
            yield self._place(name, f"agent, {stands.word}: {plain(stands.evidence)}", key("agent", name))
        for name, task in board.run.tasks.items() if board.run is not None else ():
            told = f"task, {board.task(name).word.replace('_', ' ')}: {plain(task.spec.title)}"
            yield self._place(name, told, key("task", name))

    def _action(self, action: Action) -> Thing:
        app = self._dashboard
        reason = action.disabled(app.board, app.dashboard.focus_now())
        told = f"not now: {reason}" if reason else action.help
        name = f"{action.title}  ({shown_keys(action)})" if action.keys else action.title
        return Thing(name, told, lambda: app.action_act(action.name))

    def _place(self, name: str, told: str, where: str) -> Thing:
        return Thing(name, told, lambda: self._dashboard.dashboard.select(where))
