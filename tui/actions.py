"""What a person can do in the dashboard: one table. Keys, key bar, help, palette and their tests derive from it.

An action that is not to be had now says why, in a word about the thing it would act on. Nothing is done here: an action
names what is asked first, `tui.viewmodel.questions.request` gives the engine's own request for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from tui.viewmodel import questions as ask
from tui.viewmodel import reasons as why
from tui.viewmodel.board import Board
from tui.viewmodel.focus import Focus, Panel, Target, target
from tui.viewmodel.keys import key, split
from tui.viewmodel.lines import BLANK, Line, Span, fit, line, width

__all__ = ["ACTIONS", "BY_KEY", "BY_NAME", "Action", "Focus", "Panel", "Target", "target"]

Scope = Literal["global", "agent", "task", "approval", "panel"]
Danger = Literal["none", "confirm", "typed"]
Asks = Callable[[Board, Target], ask.Question]
Prompt = Literal["", "may", "must"]
"""Does the question take a text: none, one that may be left empty, one that must be given."""
KILL_ALL_WORD = "kill all"


class Action(NamedTuple):
    """One thing to do.

    `disabled` answers why not now, or with an empty text. `asks` is the question that comes first, None for what is
    done at once; with danger `typed` the person types KILL_ALL_WORD.
    """

    name: str
    keys: tuple[str, ...]
    title: str
    help: str
    scope: Scope
    disabled: Callable[[Board, Focus], str] = why.never
    danger: Danger = "none"
    asks: Asks | None = None
    prompt: Prompt = ""


def _decide(name: str, pressed: str, told: str, asks: Asks, prompt: Prompt) -> Action:
    return Action(name, (pressed,), name, told, "approval", why.no_decision, "confirm", asks, prompt)


ACTIONS: tuple[Action, ...] = (
    _decide("approve", "a", "say yes to what is highlighted, once it was read again", ask.approve, ""),
    Action(
        "always",
        ("A",),
        "always",
        "say yes to this tool once and for all",
        "approval",
        why.no_always,
        "confirm",
        ask.always,
    ),
    _decide("deny", "d", "say no to what is highlighted, and why", ask.deny, "may"),
    Action("pause", ("p",), "pause", "freeze the agent's processes where they are", "agent", why.no_pause),
    Action("resume", ("r",), "resume", "let the agent go on; free it of a stop or a kill", "agent", why.no_resume),
    Action("stop", ("s",), "stop", "end its work gently and hold it", "agent", why.no_stop, "confirm", ask.stop),
    Action(
        "kill", ("x",), "kill", "kill it with all it started; shows proof", "agent", why.no_kill, "confirm", ask.kill
    ),
    Action("send", ("m",), "message", "tell the agent something", "agent", why.no_send, "none", ask.send, "must"),
    Action("retry", ("t",), "try again", "grant one more round", "task", why.no_retry, "none", ask.retry, "may"),
    Action("cancel", ("c",), "cancel", "end a task nobody wants", "task", why.no_cancel, "confirm", ask.cancel, "may"),
    Action("view", ("v",), "transcript/diff", "what it printed, or what it changed", "panel", why.no_reading),
    Action("zoom", ("z",), "zoom", "the panel in focus alone, and back", "panel"),
    Action("filter", ("/",), "filter", "only what has this text; in an output or a difference: search", "panel"),
    Action("next_match", ("n",), "next match", "go to the next place of what was searched for", "panel", why.no_search),
    Action("previous_match", ("N",), "previous match", "go to the place before", "panel", why.no_search),
    Action("next_hunk", ("]",), "next change", "go to the next changed place", "panel", why.no_diff),
    Action("previous_hunk", ("[",), "previous change", "go to the changed place before", "panel", why.no_diff),
    Action("next_file", ("}",), "next file", "go to the next changed file", "panel", why.no_diff),
    Action("previous_file", ("{",), "previous file", "go to the changed file before", "panel", why.no_diff),
    Action("next_panel", ("tab",), "next panel", "the next panel takes the keys", "global"),
    Action("previous_panel", ("shift+tab",), "previous panel", "the panel before takes the keys", "global"),
    Action("agent", tuple("123456789"), "agent 1-9", "highlight this agent of the crew", "global", why.no_crew),
    Action("budget", ("b",), "budget", "raise what may be used", "global", why.no_raise, "none", ask.budget, "must"),
    Action("undo", ("u",), "undo", "what was put aside; enter brings it back as a branch", "global", why.no_undo),
    Action("kill_all", ("X",), "kill all", "kill every agent", "global", why.no_kill_all, "typed", ask.kill_all),
    Action("picture", (), "picture", "save the screen as an SVG and as text, to show it to others", "global"),
    Action("palette", ("ctrl+p",), "palette", "find anything by name and do it", "global"),
    Action("help", ("?",), "help", "every key, what is in focus first", "global"),
    Action("back", ("escape",), "back", "one level out; ends a filter or a search", "global"),
    Action("quit", ("q", "ctrl+c"), "quit", "leave; nothing is stopped by it", "global"),
)
BY_NAME = {action.name: action for action in ACTIONS}
BY_KEY = {pressed: action for action in ACTIONS for pressed in action.keys}

_LAST = ("help", "quit")
"""What the key bar never leaves out."""
_ORDER: dict[str, tuple[str, ...]] = {
    "agent": ("pause", "resume", "kill", "view", "send", "stop", "zoom", "filter", "palette"),
    "task": ("view", "retry", "cancel", "pause", "kill", "zoom", "filter", "palette"),
    "ask": ("view", "cancel", "kill", "zoom", "filter", "palette"),
    "": ("view", "zoom", "filter", "next_panel", "palette"),
}
"""The key bar by what is highlighted. The order stays, whatever can be done now: hands learn places."""
_READING = ("next_match", "previous_match", "next_hunk", "previous_hunk", "view", "zoom", "filter")
_TITLES = {
    "agent": "The agent",
    "task": "The task",
    "approval": "What waits for you",
    "panel": "The panel",
    "global": "Anywhere",
}
_SHOWN = {"escape": "esc", "ctrl+p": "^p", "shift+tab": "shift+tab"}


def footer(board: Board, focus: Focus, room: int) -> Line:
    """The key bar: what can be done here, most useful first, each part clickable; what cannot be done now is `off`."""
    last = [_item(BY_NAME[name], board, focus) for name in _LAST]
    left = room - sum(width(item) + 2 for item in last)
    shown: list[Line] = []
    for name in _offered(board, focus):
        item = _item(BY_NAME[name], board, focus)
        if width(item) + 2 <= left:
            shown.append(item)
            left -= width(item) + 2
    found = [span for item in [*shown, *last] for span in (*item, Span("  "))]
    return fit(tuple(found[:-1]), room)


def _offered(board: Board, focus: Focus) -> tuple[str, ...]:
    kind = split(focus.key).kind
    lasting = () if why.no_always(board, focus) else ("always",)
    waits = ("approve", *lasting, "deny") if target(board, focus).approval else ()
    reading = _READING if focus.panel in {"transcript", "diff"} else ()
    names = dict.fromkeys((*waits, *reading, *_ORDER.get(kind, _ORDER[""])))
    return tuple(name for name in names if name not in reading or not BY_NAME[name].disabled(board, focus))


def _item(action: Action, board: Board, focus: Focus) -> Line:
    off = bool(action.disabled(board, focus))
    name = key("action", action.name)
    return (
        Span(shown_key(action.keys[0]), "off" if off else "key", name),
        Span(f" {action.title}", "off" if off else "", name),
    )


def shown_key(pressed: str) -> str:
    """A key as people write it."""
    return _SHOWN.get(pressed, pressed)


def shown_keys(action: Action) -> str:
    """All keys of an action."""
    return "1-9" if action.name == "agent" else ", ".join(map(shown_key, action.keys))


def help_lines(board: Board, focus: Focus, room: int) -> list[Line]:
    """Every key by what it acts on, what is highlighted first; why not, where something cannot be done now."""
    kind = split(focus.key).kind
    first: Scope = (
        "agent" if kind == "agent" else "task" if kind == "task" else "approval" if kind == "ask" else "panel"
    )
    scopes = dict.fromkeys((first, "approval", "agent", "task", "panel", "global"))
    size = max(len(shown_keys(action)) for action in ACTIONS)
    lines: list[Line] = []
    for scope in scopes:
        lines += [BLANK] if lines else []
        lines.append(line(Span(_TITLES[scope], "bold")))
        lines += [_help(action, board, focus, room, size) for action in ACTIONS if action.scope == scope]
    return lines


def _help(action: Action, board: Board, focus: Focus, room: int, size: int) -> Line:
    reason = action.disabled(board, focus)
    lead = Span(f"  {shown_keys(action):<{size}}  ", "off" if reason else "key", key("action", action.name))
    told = (Span(action.help, "off"), Span(f" ({reason})", "off")) if reason else (Span(action.help),)
    return fit((lead, *told), room)
