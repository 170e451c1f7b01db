"""The keys that change what is looked at, by the name of their action; the engine is asked nothing by them."""

from __future__ import annotations

from collections.abc import Callable

from tui.screens.dashboard import Dashboard


def acts(dashboard: Dashboard) -> dict[str, Callable[[], object]]:
    """What the screen does itself."""
    return {
        "view": dashboard.turn,
        "zoom": dashboard.zoom,
        "filter": dashboard.open_filter,
        "next_panel": lambda: dashboard.step_panel(1),
        "previous_panel": lambda: dashboard.step_panel(-1),
        "back": dashboard.step_out,
        "next_match": lambda: dashboard.focus_panel.match(1),
        "previous_match": lambda: dashboard.focus_panel.match(-1),
        "next_hunk": lambda: dashboard.focus_panel.jump("hunk", 1),
        "previous_hunk": lambda: dashboard.focus_panel.jump("hunk", -1),
        "next_file": lambda: dashboard.focus_panel.jump("file", 1),
        "previous_file": lambda: dashboard.focus_panel.jump("file", -1),
    }
