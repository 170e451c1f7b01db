"""A hand and an eye for the dashboard: `await dash.press("p")`, `await dash.sees("paused")`.

The screen is the real one, without a terminal; what it looks at is an engine on a real socket. Waiting is looking again
after each turn of the loop until it is seen, or until time is up: then the whole screen is in the message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from support.served import Served, short_folder
from textual.pilot import Pilot
from textual.widget import Widget

from tui.app import Quarterdeck
from tui.bridge import at
from tui.theme.dress import Dress, choose
from tui.viewmodel.board import Board

PATIENCE = 10.0


class Dash:
    """One dashboard that is open."""

    def __init__(self, app: Quarterdeck, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def types(self, text: str) -> None:
        await self.pilot.press(*("space" if char == " " else char for char in text))

    async def click(self, widget: str, at: tuple[int, int] = (0, 0), times: int = 1) -> None:
        await self.pilot.click(widget, offset=at, times=times)

    async def clicks_on(self, text: str) -> None:
        """Click on the first place of the screen that has this text."""
        for y, line in enumerate(self.lines):
            if (x := line.find(text)) >= 0:
                await self.pilot.click(offset=(x, y))
                return
        raise AssertionError(f"{text!r} is nowhere:\n{self.screen}")

    async def resize(self, columns: int, rows: int) -> None:
        await self.pilot.resize_terminal(columns, rows)

    @property
    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def screen(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)

    def row(self, text: str) -> str:
        """The line of the screen with this text."""
        return next((line for line in self.lines if text in line), "")

    async def until(self, so: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not so():
                    await self.pilot.pause(0.01)
        except TimeoutError:
            raise AssertionError(f"never {what}; the screen:\n{self.screen}") from None

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(lambda text=text: text in self.screen, f"seen: {text!r}")

    async def sees_no(self, text: str) -> None:
        await self.until(lambda: text not in self.screen, f"gone: {text!r}")

    async def sees_of(self, thing: str, text: str) -> None:
        """See a text on the line of a thing."""
        await self.until(lambda: text in self.row(thing), f"{text!r} beside {thing!r}")

    @property
    def focused(self) -> Widget | None:
        return self.app.focused

    @property
    def open(self) -> bool:
        return self.app.is_running


@asynccontextmanager
async def opened(engine: Served, size: tuple[int, int] = (120, 36), *, dress: Dress | None = None) -> AsyncIterator[Dash]:
    """A dashboard that looks at this engine."""
    app = Quarterdeck(at(engine.path), board=Board(where="/repo"), dress=dress or choose({"TERM": "xterm-256color"}), frame=0.0)
    async with app.run_test(size=size) as pilot:
        yield Dash(app, pilot)


def play(
    story: Callable[[Dash, Served], Awaitable[None]], *, size: tuple[int, int] = (120, 36), run: bool = True
) -> None:
    """A story with one dashboard and one engine on which a run has begun."""
    with short_folder() as folder, Served(folder / "engine.sock") as engine:
        if run:
            engine.start()

        async def told() -> None:
            async with opened(engine, size) as dash:
                await dash.sees("builder" if run else "Nobody yet")
                await story(dash, engine)

        asyncio.run(told())
