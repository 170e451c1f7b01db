"""Runs played through the real core with made-up hands: lists of events to render, fold or query."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core import commands as c
from engine.core import events as e
from engine.core.decide import Mind
from engine.core.values import AgentSpec, Amount, Change, CheckRun, Limits, Side, TaskSpec, Tokens

PYTEST = """\
F.                                                                       [100%]
=================================== FAILURES ===================================
_________________________ test_case_does_not_matter ____________________________

    def test_case_does_not_matter():
        store = Store([Todo("Buy Milk")])
>       assert [todo.title for todo in store.find("milk")] == ["Buy Milk"]
E       AssertionError: assert [] == ['Buy Milk']
E         Right contains one more item: 'Buy Milk'

tests/test_search.py:7: AssertionError
=========================== short test summary info ============================
FAILED tests/test_search.py::test_case_does_not_matter - AssertionError: assert [] == ['Buy Milk']
1 failed, 1 passed in 0.04s
"""
GATE = "python -m pytest -q"
START = 1_795_440_000.0


def oid(text: str) -> str:
    """A made-up object name."""
    return (text.encode().hex() + "0" * 40)[:40]


def crew(*, runtime: str = "scripted") -> tuple[AgentSpec, ...]:
    builders = [AgentSpec(name=f"builder-{n}", pool="builder", runtime=runtime, does=("implement",)) for n in (1, 2)]
    return (
        AgentSpec(name="planner", pool="planner", runtime=runtime, does=("plan",)),
        *builders,
        AgentSpec(name="reviewer", pool="reviewer", runtime=runtime, does=("review",)),
    )


class Play:
    """One run, driven step by step; the clock moves on by what each step takes."""

    def __init__(self) -> None:
        self.mind = Mind()
        self.events: list[e.Event] = []
        self.now = START

    def do(self, command: c.Command, *, actor: str = "engine", after: float = 0.0) -> list[e.Event]:
        self.now += after
        happened = list(self.mind.decide(command, at=self.now, actor=actor))
        self.events += happened
        return happened

    def begin(self, *, goal="Search in the todo service", tasks: Sequence[TaskSpec] = (), **given) -> Play:
        self.do(c.CameUp(epoch=1, pid=4711, version="0.1.0", confinement="unconfined"))
        rules = {"pattern": "pipeline", "target": "main", "base": oid("base"), "crew": crew(), "check": (GATE,)}
        rules |= {"limits": Limits(agents=4, attempts=2, budget=Amount(usd="5")), "tasks": tuple(tasks)} | given
        self.do(c.StartRun(run="01JDEMO", goal=goal, **rules), actor="person")
        return self

    def stage(self, task: str, kind: str):
        """The assigned stage of that kind, of a task."""
        stages = self.mind.state.run.stages.values()
        return next(s for s in stages if s.task == task and s.kind == kind and (s.agent or kind == "wait"))

    def began(self, task: str, kind: str, *, after: float = 0.1) -> None:
        stage = self.stage(task, kind)
        self.do(c.Began(stage=stage.id, lease=stage.lease, pid=5000, tree=f"/x/trees/{stage.agent}"), after=after)

    def finish(self, task: str, kind: str, result: c.Result, *, after: float = 0.1) -> None:
        stage = self.stage(task, kind)
        self.do(c.Finished(stage=stage.id, lease=stage.lease, result=result), after=after)

    def check(self, task: str, *, passed: bool = True, output: str = "", after: float = 0.4) -> None:
        stage = self.stage(task, "check")
        tree = oid("base") if task == "_" else oid(f"T{task}{stage.round}")
        run = CheckRun(
            command=GATE, tree=tree, env="e", passed=passed, exit=0 if passed else 1, output=output, seconds=after,
            reason="" if passed else "exit 1",
        )  # fmt: skip
        reason = "" if passed else f"`{GATE}` ended with 1"
        self.finish(task, "check", c.Checked(runs=(run,), reason=reason), after=after)

    def work(self, task: str, summary: str = "", *, added: int = 12, files: Sequence[str] = ("a.py",)) -> None:
        self.began(task, "work")
        number = self.stage(task, "work").round
        change = Change(
            commit=oid(f"C{task}{number}"), tree=oid(f"T{task}{number}"), base=oid("base"),
            patch=f"p{task}{number}", files=tuple(files), added=added, removed=3,
        )  # fmt: skip
        self.finish(task, "work", c.Worked(change=change, summary=summary), after=2.0)

    def spend(self, agent: str, task: str) -> None:
        self.do(c.Spent(agent=agent, task=task, tokens=Tokens(input=1000, output=200), usd="0.02"))

    def holder(self, task: str) -> str:
        """Who works on it."""
        return str(self.stage(task, "work").agent)

    def opened(self, task: str, **told: str) -> None:
        stage = self.stage(task, "work")
        self.do(c.Opened(stage=stage.id, lease=stage.lease, **told))

    def gateway(self, task: str, tokens: int, usd: str) -> None:
        """A request of the gateway is booked."""
        spent = Tokens(input=tokens)
        request = {"request": f"q{len(self.events)}", "provider": "anthropic", "model": "claude-opus-5"}
        self.do(c.Spent(agent=self.holder(task), task=task, tokens=spent, usd=usd, source="gateway", **request))

    def leave(self, task: str, command: str, *, ask: str, why: str = "") -> None:
        stage = self.stage(task, "work")
        asked = {"tool": "execute", "command": command, "title": "Bash", "why": why}
        self.do(c.AskedLeave(stage=stage.id, lease=stage.lease, id=ask, **asked))

    def short(self, task: str, needed: Amount) -> None:
        """Its request is more than is left, and it stands still."""
        agent = self.holder(task)
        self.do(c.Short(agent=agent, task=task, needed=needed, why="the next request"))
        self.do(c.Froze(agent=agent, processes=4), after=0.1)

    def review(self, task: str, verdict: str = "approve", remarks: str = "") -> None:
        self.began(task, "review")
        stage = self.stage(task, "review")
        result = c.Reviewed(verdict=verdict, patch=f"p{task}{stage.round}", remarks=remarks)
        self.finish(task, "review", result, after=1.0)

    def gate(self, task: str, *, passed: bool = True, output: str = "") -> None:
        stage = self.stage(task, "merge")
        run = CheckRun(command=GATE, tree=oid(f"M{task}"), env="e", passed=passed, exit=0, output=output, seconds=0.5)
        if passed:
            self.do(c.GatePassed(stage=stage.id, lease=stage.lease, runs=(run,)), after=0.5)
        else:
            self.finish(task, "merge", c.Checked(runs=(run,), reason=f"`{GATE}` ended with 1"))

    def merge(self, task: str) -> None:
        self.gate(task)
        made = c.MergeMade(commit=oid(f"m{task}"), tree=oid(f"M{task}"), parent=oid("base"))
        self.finish(task, "merge", made)

    def conflict(self, task: str, *paths: str) -> None:
        self.finish(task, "merge", c.Conflicted(parent=oid("other"), sides=tuple(Side(path=p) for p in paths)))


def the_good_one() -> Play:
    """Planned, one attempt red, one rejected, one conflict, all merged."""
    play = Play().begin()
    play.check("_")
    play.began("_", "plan")
    tasks = (
        TaskSpec(id="search", title="Find todos by a word"),
        TaskSpec(id="cli", title="A command line", after=("search",), prompt="argparse"),
    )
    play.finish("_", "plan", c.Planned(tasks=tasks, summary="two pieces"), after=1.5)
    play.work("search", "finds todos by a word", files=("todo/search.py", "tests/test_search.py"))
    play.check("search", passed=False, output=PYTEST)
    play.work("search", "the case of letters does not matter", added=15)
    play.spend("builder-1", "search")
    play.check("search")
    play.review("search", "approve", "small and tested")
    play.merge("search")
    play.work("cli", "todo list, todo add", added=40)
    play.check("cli")
    play.review("cli", "reject", "An unknown id ends in a traceback.\nSay which id is not there, and exit with 1.")
    play.work("cli", "an unknown id is told", added=44)
    play.check("cli")
    play.review("cli")
    play.merge("cli")
    return play


def the_stuck_one() -> Play:
    """Both attempts fail: one crashes, one conflicts; a person is asked."""
    play = Play().begin(tasks=(TaskSpec(id="parse", title="Parse it"),), crew=crew(runtime="command"))
    play.check("_")
    play.began("parse", "work")
    broke = c.Broke(
        reason="it ended with 2", detail="starting\nTraceback (most recent call last):\nKeyError: 'x'", blame="agent"
    )
    play.finish("parse", "work", broke, after=1.0)
    play.finish("parse", "wait", c.Waited(), after=2.0)
    play.work("parse", "parses")
    play.check("parse")
    play.review("parse")
    play.conflict("parse", "src/parse.py", "README.md")
    return play


def the_troubled_one() -> Play:
    """All that can go on besides: pauses, kills, budgets, messages, notices, a merge that waits; then it is stopped."""
    play = Play().begin(
        tasks=(TaskSpec(id="one", title="One"), TaskSpec(id="two", title="Zwei 二つ")),
        notices=("2 uncommitted files are not seen by agents: notes.txt, todo/api.py",),
    )
    play.check("_")
    play.began("one", "work")
    play.do(c.PauseAgent(agent="builder-1"), actor="person")
    play.do(c.Froze(agent="builder-1", processes=1), after=0.1)
    play.do(c.ResumeAgent(agent="builder-1"), actor="person", after=60)
    play.do(c.SteerAgent(agent="builder-1", text="mind the tabs"), actor="person")
    play.do(c.Steered(agent="builder-1", text="mind the tabs", delivered=False))
    payload = {"text": "is 二つ meant to be a name?"}
    play.do(c.Took(id="01M", sender="builder-1", to="person", kind="clarification_request", payload=payload))
    play.do(c.TurnedAway(sender="builder-2", file="x.json", reason="no such kind: gossip"))
    play.do(
        c.Killed(agent="builder-2", gone=True, proof="3 processes are gone", processes=3, ms=8.0, snapshot="refs/q/1")
    )
    change = Change(commit=oid("c"), tree=oid("T"), base=oid("base"), patch="p", files=("a",), added=1)
    play.finish("one", "work", c.Worked(change=change, summary="二" * 60))
    stage = play.stage("one", "check")
    run = CheckRun(command=GATE, tree=oid("T"), env="e", passed=True, exit=0)
    play.do(c.Finished(stage=stage.id, lease=stage.lease, result=c.Checked(runs=(run,))))
    play.finish("one", "review", c.Broke(reason="it ended without a verdict"))
    play.finish("one", "review", c.Reviewed(verdict="approve", patch="p"))
    play.finish("one", "merge", c.Obstructed(reason="your edits of a are in the way", paths=("a", "b c")))
    play.do(c.Cleared(stage="01JDEMO/one/merge.1.0"))
    play.do(c.StopRun(), actor="person", after=3600)
    return play


def the_hostile_one(evil: str) -> Play:
    """Everybody who can write something writes `evil`."""
    tasks = (TaskSpec(id="a", title=evil, prompt=evil),)
    play = Play().begin(goal=f"{evil}\n{evil}", tasks=tasks, notices=(evil,), check=(evil,))
    play.finish("_", "check", c.Checked(runs=(CheckRun(command=evil, tree=oid("b"), env="e", passed=True, exit=0),)))
    play.work("a", evil, files=(evil,))
    play.check("a", passed=False, output=f"E   {evil}\nFAILED {evil}\n")
    play.work("a", evil)
    play.check("a")
    play.review("a", "reject", f"{evil}\n{evil}")
    play.do(c.Steered(agent="builder-1", text=evil, delivered=True))
    play.do(c.Took(id="01M", sender="builder-1", to="person", kind="note", payload={"text": evil}))
    play.do(c.TurnedAway(sender="builder-1", file=evil, reason=evil))
    play.do(c.Noticed(text=evil))
    play.do(c.StopRun(reason=evil), actor="person")
    return play


def the_short_one() -> Play:
    """Real agents that wait for this and that; all of it is met in the end."""
    play = the_waiting_one()
    play.do(c.RaiseBudget(scope="task:one", amount=Amount(usd="1")), actor="person", after=300)
    play.do(c.RaiseBudget(scope="day", amount=Amount(tokens=100_000)), actor="person")
    play.do(c.Answer(approval="three", granted=True), actor="person")
    for task in ("one", "two", "three"):
        play.work(task, "done")
        play.check(task)
        play.review(task)
        play.merge(task)
    return play


def the_waiting_one() -> Play:
    """Three real agents: one waits for the budget of its task, one for that of the day, one for leave."""
    limits = Limits(agents=4, attempts=2, task_budget=Amount(usd="0.10"), day_budget=Amount(tokens=9_000))
    builder = {"pool": "builder", "runtime": "claude", "does": ("implement",), "asks": {"*": "confirm"}}
    crew = [AgentSpec(name=f"builder-{n}", **builder) for n in (1, 2, 3)]
    tasks = [TaskSpec(id=name, title=name.title()) for name in ("one", "two", "three")]
    reviewer = AgentSpec(name="reviewer", runtime="codex", does=("review",))
    play = Play().begin(tasks=tasks, limits=limits, crew=(*crew, reviewer))
    play.check("_")
    for task in ("one", "two", "three"):
        play.began(task, "work")
        play.opened(task, session=f"s-{task}", version="2.1.0", model="claude-opus-5")
    play.gateway("one", 1_500, "0.02")
    play.do(c.Spent(agent=play.holder("one"), task="one", tokens=Tokens(input=1_400), usd="0.01", counted=False))
    play.leave("one", "npm test", ask="7")
    play.leave("two", "git push", ask="8", why="to share it")
    play.do(c.Answer(approval="one", granted=True, always=True), actor="person", after=30)
    play.do(c.Answer(approval="two", granted=False, why="no pushing"), actor="person")
    _parked(play, "two")
    play.gateway("one", 2_000, "0.06")
    play.short("one", Amount(usd="0.05", tokens=900))
    play.gateway("two", 5_000, "0.01")
    play.short("two", Amount(usd="0.01", tokens=800))
    play.leave("three", "npm publish", ask="9", why="the task says so")
    return play


def _parked(play: Play, task: str) -> None:
    """Its provider takes nothing for a minute; another one fails for longer."""
    agent, trouble = play.holder(task), {"provider": "anthropic", "model": "claude-opus-5"}
    play.do(c.Parked(agent=agent, until=play.now + 60, why="429: requests a minute", **trouble))
    play.do(c.Froze(agent=agent, processes=4), after=0.1)
    play.do(c.Unparked(agent=agent), after=60)
    play.do(c.Provider(agent=agent, what="closed", **trouble))
    down = {"provider": "openai", "model": "gpt-5.5", "why": "503 five times", "to": "gpt-5.4"}
    play.do(c.Provider(agent=agent, what="opened", until=play.now + 3_600, **down))
