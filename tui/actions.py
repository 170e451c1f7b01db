"""What a person can do in the dashboard: one table. Keys, key bar, help, palette and their tests derive from it.

An action that is not to be had now says why, in a word about the thing it would act on. Nothing is done here: an action
names its target, the question that is asked first, and the engine's own request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from tui.viewmodel.board import Board

Scope = Literal["global", "agent", "task", "approval", "panel"]
Danger = Literal["none", "confirm", "typed"]
Panel = Literal["crew", "plan", "needs", "events", "transcript", "diff", ""]


class Focus(NamedTuple):
    """What the person looks at: the key of the highlighted row (`agent/…`, `task/…`, `ask/…`) and the panel."""

    key: str = ""
    panel: Panel = ""


Disabled = Callable[[Board, Focus], str]


class Action(NamedTuple):
    """One thing to do. `disabled` answers why not now, or with an empty text.

    `asks`: the prompt of the text it needs first, such as why an approval is denied; empty where it needs none.
    """

    name: str
    keys: tuple[str, ...]
    title: str
    help: str
    scope: Scope
    disabled: Disabled
    danger: Danger = "none"
    asks: str = ""
    least: bool = False  # an empty text will do
