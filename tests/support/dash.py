"""A hand and an eye for the dashboard: `await dash.press("p")`, `await dash.sees("paused")`.

The screen is the real one, without a terminal; what it looks at is an engine on a real socket. Waiting is looking again
after each turn of the loop until it is seen, or until time is up: then the whole screen is in the message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, contextmanager

from support.idle import by_its_loop
from support.served import Served, short_folder
from support.snapshots import text_of
from textual.pilot import Pilot

from engine.core import commands as c
from engine.core.values import AgentSpec, Amount, Change, CheckRun, Limits, TaskSpec
from tui.app import Quarterdeck
from tui.bridge import ByRecords, at
from tui.theme.dress import Dress
from tui.viewmodel.board import Board

PATIENCE = 10.0
ASKS = {"execute": "confirm"}
CREW = (
    AgentSpec(name="builder-1", runtime="scripted", does=("implement",), pool="builder", asks=ASKS),
    AgentSpec(name="builder-2", runtime="scripted", does=("implement",), pool="builder", asks=ASKS),
    AgentSpec(name="reviewer", runtime="scripted", does=("review",)),
)
TASKS = (
    TaskSpec(id="parse", title="Parse what comes in", risk="high"),
    TaskSpec(id="store", title="Keep what was parsed"),
    TaskSpec(id="print", title="Print it", after=("parse", "store")),
)


class Playing(Served):
    """An engine without hands, and a run that is played by hand."""

    def begin(self, *, crew: Sequence[AgentSpec] = CREW, tasks: Sequence[TaskSpec] = TASKS) -> Playing:
        """A run whose base is green, with both builders at work. What is asked from here on is in `asked`."""
        self.asked: list[tuple[c.Requests, str]] = []
        self.do(self._listen)
        self.report(
            c.StartRun(
                run="r1", goal="mend the parser", pattern="pipeline", target="main", base="b" * 40, crew=tuple(crew),
                limits=Limits(task_budget=Amount(usd="0.1")), check=("true",), tasks=tuple(tasks), approvals={"high": "confirm"}, review=False,
            )
        )  # fmt: skip
        self.finish("_/check.0.0", checked("B"))
        for stage in self.do(lambda engine: [one.id for one in engine.mind.state.run.stages.values() if one.agent]):
            self.began(stage.partition("/")[2])
        return self

    def _listen(self, engine):
        submit = engine.submit

        async def heard(request, *, actor):
            self.asked.append((request, actor))
            return await submit(request, actor=actor)

        engine.submit = heard

    def report(self, command: c.Command) -> None:
        self.do(lambda engine: engine.do(command))

    def finish(self, stage: str, result: c.Result) -> None:
        self.report(c.Finished(stage=f"r1/{stage}", lease=self.lease(stage), result=result))

    def began(self, stage: str) -> None:
        self.report(c.Began(stage=f"r1/{stage}", lease=self.lease(stage), pid=99, tree="/t"))

    def lease(self, stage: str) -> int:
        return self.do(lambda engine: engine.mind.state.run.stages[f"r1/{stage}"].lease)

    def claims(self, task: str) -> None:
        change = Change(commit="k" * 40, tree=f"T{task}", base="b" * 40, patch=f"p{task}", added=3, removed=1)
        self.finish(f"{task}/work.1.0", c.Worked(change=change, summary="it parses"))

    def merges(self, task: str) -> None:
        self.finish(f"{task}/check.1.0", checked(f"T{task}"))
        gate = c.GatePassed(stage=f"r1/{task}/merge.1.0", lease=self.lease(f"{task}/merge.1.0"), runs=checked("M").runs)
        self.report(gate)
        self.finish(f"{task}/merge.1.0", c.MergeMade(commit="c" * 40, tree="M", parent="b" * 40))

    def asks(self) -> None:
        """The first task waits for a decision: its risk is high."""
        self.claims("parse")
        self.finish("parse/check.1.0", checked("Tparse"))

    def wants(self, stage: str, line: str) -> None:
        """Who holds the step wants leave to run a line."""
        asked = c.AskedLeave(stage=f"r1/{stage}", lease=self.lease(stage), id=line, tool="execute", command=line)
        self.report(asked)

    def state(self, of: Callable[[object], object]) -> object:
        return self.do(lambda engine: of(engine.mind.state))


def checked(tree: str) -> c.Checked:
    return c.Checked(runs=(CheckRun(command="true", tree=tree, env="e", passed=True, exit=0),))


class Dash:
    """One dashboard that is open."""

    def __init__(self, app: Quarterdeck, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def types(self, text: str) -> None:
        await self.pilot.press(*("space" if char == " " else char for char in text))

    async def clicks(self, text: str, times: int = 1) -> None:
        """Click on the first place of the screen that has this text."""
        for y, line in enumerate(self.screen.split("\n")):
            if (x := line.find(text)) >= 0:
                await self.pilot.click(offset=(x, y), times=times)
                return
        raise AssertionError(f"{text!r} is nowhere:\n{self.screen}")

    async def resize(self, columns: int, rows: int) -> None:
        await self.pilot.resize_terminal(columns, rows)

    @property
    def screen(self) -> str:
        return text_of(self.app)

    def row(self, text: str) -> str:
        """The line of the screen with this text."""
        return next((line for line in self.screen.split("\n") if text in line), "")

    async def until(self, so: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not so():
                    await self.pilot.pause(0.005)
        except TimeoutError:
            raise AssertionError(f"never {what}; the screen:\n{self.screen}") from None

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(lambda text=text: text in self.screen, f"seen: {text!r}")

    async def sees_no(self, text: str) -> None:
        await self.until(lambda: text not in self.screen, f"gone: {text!r}")

    async def sees_beside(self, thing: str, text: str) -> None:
        """See a text on the line of a thing."""
        await self.until(lambda: text in self.row(thing), f"{text!r} beside {thing!r}")

    async def settles(self) -> None:
        """Wait until nothing is to be painted: all that the engine said is there."""
        painter, before = self.app.painter, ""
        while painter._due is not None or self.screen != before:
            before = self.screen
            await self.pilot.pause(0.1)

    @property
    def open(self) -> bool:
        return self.app._running and not self.app._exit


@asynccontextmanager
async def opened(
    engine: Served,
    size: tuple[int, int] = (120, 36),
    *,
    dress: Dress | None = None,
    hints: Sequence[str] = (),
    by_records: ByRecords | None = None,
) -> AsyncIterator[Dash]:
    """A dashboard that looks at this engine."""
    board = Board(where="/repo", now=lambda: 60.0)
    app = Quarterdeck(
        at(engine.path), board=board, dress=dress or Dress(), frame=0.0, hints=hints, by_records=by_records
    )
    with by_its_loop():
        async with app.run_test(size=size) as pilot:
            yield Dash(app, pilot)


@contextmanager
def playing(**run):
    """An engine on which a run has begun."""
    with short_folder() as folder, Playing(folder / "engine.sock") as engine:
        yield engine.begin(**run)


Told = Callable[[Dash, Playing], Awaitable[None]]


def story(*, size: tuple[int, int] = (120, 36), dress: Dress | None = None) -> Callable[[Told], Callable[[], None]]:
    """Make a test of a story with one dashboard, and one engine on which both builders are at work."""

    def made(told: Told) -> Callable[[], None]:
        def test() -> None:
            async def scenario(engine: Playing) -> None:
                async with opened(engine, size, dress=dress) as dash:
                    await dash.sees("builder-1", "working")
                    await told(dash, engine)

            with playing() as engine:
                asyncio.run(scenario(engine))

        test.__doc__ = told.__doc__
        return test

    return made


async def aside(function: Callable[[], object]) -> object:
    """Wait for something that blocks, without keeping the screen from going on."""
    return await asyncio.get_running_loop().run_in_executor(None, function)


__all__ = ["CREW", "TASKS", "Dash", "Playing", "aside", "checked", "opened", "playing", "story"]
