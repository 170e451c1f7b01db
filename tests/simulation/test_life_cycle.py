"""The life cycle of tasks under any order of reports, leases old and new, requests, and crashes that fold it all again.

Where the simulation plays a whole world, this asks hypothesis for the shortest way to break the core itself: it may
report anything, under any lease it ever saw.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.by_hand import ByHand, agent, task
from support.simulation.laws import Laws
from support.simulation.repository import Commit, Repository

from engine.core import commands as c
from engine.core import events as e
from engine.core.approvals import waiting_approvals
from engine.core.decide import Mind
from engine.core.errors import Refused
from engine.core.state import Stage
from engine.core.values import Amount, Change, CheckRun, Limits, Tokens

DAY = Amount(tokens=150)
CREW = (agent("ann", asks={"*": "confirm"}, late=True), agent("bob", "implement", "review"), agent("rev", "review"))
NAMES = st.sampled_from([spec.name for spec in CREW])
TASKS = st.sampled_from(["a", "b", "c"])
PICK = st.integers(min_value=0, max_value=20)
SCOPES = st.sampled_from(["run", "day", "task:a", "task:b", "ann", ""])
AMOUNTS = st.builds(Amount, tokens=st.integers(1, 80))
BREAKABLE = ("work", "review", "merge", "check")
EASY = ("work", "check", "review", "wait")
REQUESTS = st.one_of(
    st.builds(c.CancelTask, task=TASKS),
    st.builds(c.RetryTask, task=TASKS),
    st.builds(c.ReassignTask, task=TASKS, to=NAMES),
    st.builds(c.Answer, approval=TASKS, granted=st.booleans()),
    st.builds(c.StopAgent, agent=NAMES),
    st.builds(c.Ended, agent=NAMES, proof=st.just("gone"), processes=st.just(0)),
    st.builds(c.PauseAgent, agent=NAMES),
    st.builds(c.ResumeAgent, agent=NAMES),
    st.just(c.StopRun()),
    st.builds(c.RaiseBudget, scope=SCOPES, amount=AMOUNTS),
    st.builds(c.Spent, agent=NAMES, task=TASKS, tokens=st.builds(Tokens, output=st.integers(0, 60))),
    st.builds(c.Short, agent=NAMES, task=TASKS, scope=SCOPES, needed=AMOUNTS, hold=st.booleans()),
    st.builds(c.Parked, agent=NAMES, provider=st.just("p"), model=st.just("m"), until=st.just(9.0)),
    st.builds(c.Unparked, agent=NAMES),
    st.builds(c.Froze, agent=NAMES, processes=st.just(1)),
)


def holding(*kinds: str) -> Callable[[LifeCycle], bool]:
    return lambda machine: machine.held(0, *kinds) is not None


class LifeCycle(RuleBasedStateMachine):
    """One run of three tasks; `c` comes after both others."""

    @initialize(pattern=st.sampled_from(["solo", "pipeline", "parallel"]), attempts=st.integers(1, 2))
    def start(self, pattern: str, attempts: int) -> None:
        self.repo = Repository()
        self.laws = Laws(self.repo, set())
        self.hand = ByHand()
        self.laws.saw(self.hand.all)
        self.leases: list[tuple[str, int]] = []
        self.epoch = 1
        self.ask(
            c.StartRun(
                run="r",
                goal="g",
                pattern=pattern,
                target="main",
                base="b0",
                crew=CREW,
                limits=Limits(
                    agents=2,
                    attempts=attempts,
                    budget=Amount(tokens=200),
                    task_budget=Amount(tokens=90),
                    day_budget=DAY,
                ),
                check=("true",),
                approvals={"high": "review"},
                tasks=(task("a"), task("b", risk="high"), task("c", "a", "b")),
            )
        )

        self.end(self.hand.stage("_/check.0.0"), c.Checked(runs=()))

    def ask(self, command: c.Command) -> list[e.Event]:
        try:
            events = self.hand.do(command)
        except Refused:
            return []
        self.laws.saw(events)
        self.leases += [(e_.data.stage, e_.data.lease) for e_ in events if isinstance(e_.data, e.StageAssigned)]
        return events

    def held(self, pick: int, *kinds: str) -> Stage | None:
        open_ = [s for s in self.hand.run.stages.values() if (s.agent or s.kind == "wait") and s.kind in kinds]
        return open_[pick % len(open_)] if open_ else None

    def end(self, stage: Stage, result: c.Result) -> None:
        self.ask(c.Finished(stage=stage.id, lease=stage.lease, result=result))

    def made(self, stage: Stage) -> bool:
        return stage.kind == "merge" and self.repo.found(f"r/{stage.task}/{stage.round}") is not None

    # -- what hands report ---------------------------------------------------------------------------------------------

    @precondition(holding("work"))
    @rule(pick=PICK, same_patch=st.booleans(), author=st.sampled_from(["", "ann", "bob"]))
    def work(self, pick: int, same_patch: bool, author: str) -> None:
        stage = self.held(pick, "work")
        if stage is not None:
            patch = f"p-{stage.task}" if same_patch else f"p-{stage.task}.{stage.round}"
            self.end(stage, c.Worked(change=self._change(stage, patch), author=author))

    @precondition(holding(*BREAKABLE))
    @rule(pick=PICK, blame=st.sampled_from(["agent", "work"]))
    def break_down(self, pick: int, blame: str) -> None:
        stage = self.held(pick, *BREAKABLE)
        if stage is not None and not self.made(stage):
            self.end(stage, c.Broke(reason="broken", blame=blame))  # type: ignore[arg-type]

    @precondition(holding(*BREAKABLE))
    @rule(pick=PICK)
    def be_interrupted(self, pick: int) -> None:
        stage = self.held(pick, *BREAKABLE)
        if stage is not None:
            self.end(stage, c.Interrupted(reason="lost"))

    @precondition(holding("check"))
    @rule(pick=PICK, red=st.booleans())
    def check(self, pick: int, red: bool) -> None:
        stage = self.held(pick, "check")
        if stage is not None:
            self.end(stage, c.Checked(runs=(), reason="red" if red else ""))

    @precondition(holding("work", "review"))
    @rule(pick=PICK, ask=st.sampled_from(["1", "2"]), line=st.sampled_from(["make", "rm x", ""]))
    def ask_leave(self, pick: int, ask: str, line: str) -> None:
        stage = self.held(pick, "work", "review")
        if stage is not None:
            self.ask(c.AskedLeave(stage=stage.id, lease=stage.lease, id=ask, tool="execute", command=line))

    @rule(pick=PICK, granted=st.booleans(), always=st.booleans())
    def answer(self, pick: int, granted: bool, always: bool) -> None:
        waiting = waiting_approvals(self.hand.run)
        if waiting:
            name = waiting[pick % len(waiting)].stage
            self.ask(c.Answer(approval=name, granted=granted, always=always))

    @precondition(holding("review"))
    @rule(pick=PICK, verdict=st.sampled_from(["approve", "approve", "reject"]))
    def review(self, pick: int, verdict: str) -> None:
        stage = self.held(pick, "review")
        if stage is not None:
            self.end(stage, c.Reviewed(verdict=verdict, patch=self._patch(stage)))  # type: ignore[arg-type]

    @precondition(holding("wait"))
    @rule(pick=PICK)
    def wait(self, pick: int) -> None:
        stage = self.held(pick, "wait")
        if stage is not None:
            self.end(stage, c.Waited())

    @precondition(holding(*EASY))
    @rule(pick=PICK, steps=st.integers(1, 4))
    def all_goes_well(self, pick: int, steps: int) -> None:
        """Some steps without trouble, up to a merge: what is interesting lies behind them."""
        for _ in range(steps):
            stage = self.held(pick, *EASY)
            if stage is not None:
                self.end(stage, self._well(stage))

    def _well(self, stage: Stage) -> c.Result:
        if stage.kind == "work":
            return c.Worked(change=self._change(stage, f"p-{stage.task}.{stage.round}"))
        if stage.kind == "check":
            return c.Checked(runs=())
        if stage.kind == "review":
            return c.Reviewed(verdict="approve", patch=self._patch(stage))
        return c.Waited()

    def _change(self, stage: Stage, patch: str) -> Change:
        return Change(commit=f"c-{stage.id}", tree=f"T-{stage.task}.{stage.round}", base="b0", patch=patch)

    def _patch(self, stage: Stage) -> str:
        change = next(r for r in self.hand.task(stage.task).rounds if r.number == stage.round).change
        assert change is not None
        return change.patch

    def _gated(self, pick: int) -> Stage | None:
        stage = self.held(pick, "merge")
        if stage is not None:
            tree = f"M-{stage.task}.{stage.round}"
            self.laws.ledger.add((tree, "true"))
            run = CheckRun(command="true", tree=tree, env="e", passed=True, exit=0)
            self.ask(c.GatePassed(stage=stage.id, lease=stage.lease, runs=(run,)))
        return stage

    def _advanced(self, stage: Stage) -> Commit:
        trailer = f"r/{stage.task}/{stage.round}"
        made = self.repo.found(trailer)
        if made is None:
            made = self.repo.advance(self.repo.tip, f"M-{stage.task}.{stage.round}", trailer)
        assert made is not None
        return made

    @precondition(holding("merge"))
    @rule(pick=PICK, told=st.booleans())
    def merge(self, pick: int, told: bool) -> None:
        """The target advances, and the hand may die before it can say so."""
        stage = self._gated(pick)
        if stage is not None:
            made = self._advanced(stage)
            if told:
                self.end(stage, c.MergeMade(commit=made.id, tree=made.tree, parent=made.parent))

    @precondition(holding("merge"))
    @rule(pick=PICK)
    def conflict(self, pick: int) -> None:
        stage = self.held(pick, "merge")
        if stage is not None and not self.made(stage):
            self.end(stage, c.Conflicted(parent="p", sides=()))

    @precondition(holding("merge"))
    @rule(pick=PICK)
    def obstruct(self, pick: int) -> None:
        stage = self.held(pick, "merge")
        if stage is not None and not self.made(stage):
            self.end(stage, c.Obstructed(reason="x.py is edited in the checkout", paths=("x.py",)))

    @rule(pick=PICK)
    def report_under_an_old_lease(self, pick: int) -> None:
        old = [(name, lease) for name, lease in self.leases if self.laws.old(name, lease)]
        if old:
            name, lease = old[pick % len(old)]
            events = self.ask(c.Finished(stage=name, lease=lease, result=c.Broke(reason="late")))
            assert {event.kind for event in events} <= {"result_ignored"}

    # -- what people do ------------------------------------------------------------------------------------------------

    @rule(request=REQUESTS)
    def ask_for(self, request: c.Requests) -> None:
        self.ask(request)

    @precondition(lambda self: self.hand.run.outcome is not None)
    @rule()
    def resume_the_run(self) -> None:
        self.ask(c.ResumeRun())
        for name in self.hand.mind.state.agents:
            self.ask(c.ResumeAgent(agent=name))

    # -- the engine dies -----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.epoch < 6)
    @rule()
    def crash(self) -> None:
        """All that is left is the record; folding it again is the whole restart."""
        mind = Mind()
        mind.replay(map(e.decode, map(e.encode, self.hand.all)))
        assert mind.state == self.hand.mind.state
        self.hand.mind = mind
        self.epoch += 1
        self.ask(c.CameUp(epoch=self.epoch, pid=self.epoch, version="0", confinement="unconfined"))

    @invariant()
    def a_run_under_way_has_something_under_way(self) -> None:
        run = self.hand.mind.state.run
        if run is not None and run.outcome is None:
            assert any(stage.agent or stage.kind == "wait" for stage in run.stages.values())

    @invariant()
    def what_is_on_the_target_is_never_given_up(self) -> None:
        run = self.hand.mind.state.run
        if run is None:
            return
        for made in self.repo.target[1:]:
            task_ = run.tasks[made.trailer.split("/")[1]]
            assert task_.outcome in {None, "done"}, f"{made.trailer} is merged and {task_.outcome}"


LifeCycle.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestLifeCycle = LifeCycle.TestCase
