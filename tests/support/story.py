"""A run told command by command to the real mind, for tests of what is shown of it."""

from engine.api.status import status
from engine.core import commands as c
from engine.core.decide import Mind
from engine.core.values import AgentSpec, Amount, Change, CheckRun, Limits, TaskSpec

ENGINE = {"pid": 7, "version": "1"}
CREW = (
    AgentSpec(name="builder", runtime="command", does=("implement",), budget=Amount(usd="2")),
    AgentSpec(name="reviewer", runtime="scripted", does=("review",), tier="large"),
)


class Story:
    """A mind that is told what happens; its clock is one second a command."""

    def __init__(self, *, approvals=None, attempts=2, tasks=None, crew=CREW):
        self.mind, self.clock = Mind(), 0.0
        self.do(c.CameUp(epoch=1, pid=7, version="1", confinement="unconfined"))
        tasks = tasks or (TaskSpec(id="a", title="A"), TaskSpec(id="b", title="B", after=("a",)))
        self.do(
            c.StartRun(
                run="r", goal="g", pattern="pipeline", target="main", base="b0", crew=crew, check=("true",),
                limits=Limits(attempts=attempts, budget=Amount(usd="5")), tasks=tasks, approvals=approvals or {},
            )
        )  # fmt: skip

    def do(self, command):
        self.clock += 1
        return self.mind.decide(command, at=self.clock)

    def stage(self, name):
        return next(s for s in self.mind.state.run.stages.values() if s.id.startswith(f"r/{name}."))

    def finish(self, name, result):
        stage = self.stage(name)
        self.do(c.Finished(stage=stage.id, lease=stage.lease, result=result))
        return self

    def began(self, name, pid=99):
        stage = self.stage(name)
        self.do(c.Began(stage=stage.id, lease=stage.lease, pid=pid, tree="/t"))
        return self

    def based(self):
        return self.finish("_/check", checked("B"))

    def claimed(self):
        return self.based().finish("a/work", c.Worked(change=CHANGE))

    def merging(self):
        return (
            self.claimed().finish("a/check", checked("T")).finish("a/review", c.Reviewed(verdict="approve", patch="p"))
        )

    def merged(self):
        self.merging()
        stage = self.stage("a/merge")
        self.do(c.GatePassed(stage=stage.id, lease=stage.lease, runs=checked("M").runs))
        return self.finish("a/merge", c.MergeMade(commit="c1", tree="M", parent="p0"))

    def look(self, engine=ENGINE):
        return status(self.mind.state, now=self.clock + 10, engine=engine)

    def task(self, name="a", **options):
        return next(t for t in self.look(**options)["tasks"] if t["id"] == name)

    def agent(self, name="builder", **options):
        return next(a for a in self.look(**options)["agents"] if a["name"] == name)


CHANGE = Change(commit="k", tree="T", base="b", patch="p", added=3, removed=1)


def checked(tree, reason=""):
    run = CheckRun(command="true", tree=tree, env="e", passed=not reason, exit=1 if reason else 0, reason=reason)
    return c.Checked(runs=(run,), reason=reason)
