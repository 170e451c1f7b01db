"""A person who does what people do, and what they should not: stale and senseless requests among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import msgspec
from support.simulation.setup import tasks as some_tasks

from engine.core import commands as c
from engine.core.approvals import waiting_approvals
from engine.core.state import Run, State, Task
from engine.core.values import Amount

MORE = Amount(usd="5", tokens=3_000)


def something(rng: Random, state: State) -> c.Requests | None:
    """One request, sensible or not; None where there is no run to ask anything of."""
    if state.run is None:
        return None
    return rng.choices(_WISHES, weights=_WEIGHTS)[0](rng, state, state.run)


def _a_task(rng: Random, run: Run) -> str:
    return rng.choice([*run.tasks, "nobody"])


def _an_agent(rng: Random, state: State) -> str:
    return rng.choice([*state.agents, *state.agents, "nobody"])


def _version(rng: Random, thing: Task | None) -> int | None:
    if thing is None or rng.random() < 0.5:
        return None
    return thing.version - (rng.random() < 0.3)


def _add(rng: Random, _: State, run: Run) -> c.Requests:
    specs = some_tasks(rng, rng.randint(1, 2), list(run.tasks)[-3:], prefix="x")
    if rng.random() < 0.3:
        specs = (*specs, specs[0])
    return c.AddTasks(tasks=specs)


def _revise(rng: Random, _: State, run: Run) -> c.Requests | None:
    if not run.tasks:
        return None
    task = run.tasks[rng.choice(list(run.tasks))]
    others = [name for name in run.tasks if name != task.spec.id]
    changes = rng.choice(
        (
            {"prompt": f"again {rng.randrange(9)}"},
            {"priority": rng.randrange(5)},
            {"accept": (f"line {rng.randrange(3)}",)},
            {"review": rng.choice((None, True, False))},
            {"after": tuple(rng.sample(others, min(len(others), 1)))},
        )
    )
    return c.ReviseTask(spec=msgspec.structs.replace(task.spec, **changes), version=_version(rng, task))


def _retry(rng: Random, _: State, run: Run) -> c.Requests:
    name = _a_task(rng, run)
    return c.RetryTask(task=name, version=_version(rng, run.tasks.get(name)))


def _cancel(rng: Random, _: State, run: Run) -> c.Requests:
    name = _a_task(rng, run)
    return c.CancelTask(task=name, note="not wanted", version=_version(rng, run.tasks.get(name)))


def _reassign(rng: Random, state: State, run: Run) -> c.Requests:
    return c.ReassignTask(task=_a_task(rng, run), to=_an_agent(rng, state))


def _pause(rng: Random, state: State, _: Run) -> c.Requests:
    return c.PauseAgent(agent=_an_agent(rng, state))


def _resume(rng: Random, state: State, _: Run) -> c.Requests:
    return c.ResumeAgent(agent=_an_agent(rng, state))


def _stop(rng: Random, state: State, _: Run) -> c.Requests:
    return c.StopAgent(agent=_an_agent(rng, state))


def _answer(rng: Random, _: State, run: Run) -> c.Requests:
    waiting = waiting_approvals(run)
    name = rng.choice([a.stage for a in waiting] or ["nothing"])
    always = rng.random() < 0.2
    return c.Answer(approval=name, granted=rng.random() < 0.7, why=rng.choice(("", "because")), always=always)


def _raise(rng: Random, state: State, run: Run) -> c.Requests:
    scope = rng.choice(["run", "day", f"task:{_a_task(rng, run)}", _an_agent(rng, state)])
    return c.RaiseBudget(scope=scope, amount=Amount(tokens=rng.choice((1, 50, 2_000))))


def _stop_run(_: Random, __: State, ___: Run) -> c.Requests:
    return c.StopRun()


def _resume_run(_: Random, __: State, ___: Run) -> c.Requests:
    return c.ResumeRun()


def _steer(rng: Random, state: State, _: Run) -> c.Requests:
    return c.SteerAgent(agent=_an_agent(rng, state), text=rng.choice(("", "mind the gap")))


_Wish = Callable[[Random, State, Run], c.Requests | None]
_PLANNED: dict[_Wish, int] = {
    _add: 2,
    _revise: 4,
    _retry: 3,
    _cancel: 2,
    _reassign: 3,
    _pause: 3,
    _resume: 8,
    _stop: 3,
    _answer: 8,
    _raise: 3,
    _stop_run: 1,
    _resume_run: 3,
    _steer: 1,
}
_WISHES, _WEIGHTS = list(_PLANNED), list(_PLANNED.values())


def helpful(rng: Random, state: State) -> list[c.Requests]:
    """All that a person can do about a run that came to rest, as it says itself; empty when there is nothing."""
    run = state.run
    assert run is not None
    wishes: list[c.Requests] = [
        c.Answer(approval=a.stage, granted=rng.random() < 0.8) for a in waiting_approvals(run)[:1]
    ]
    paused = {
        name: agent for name, agent in state.agents.items() if agent.held or (agent.pause and not agent.paused_for)
    }
    wishes += [c.ResumeAgent(agent=name) for name in paused]
    wishes += [
        c.RaiseBudget(scope=scope, amount=MORE) for scope in re.findall(r"budget raise (\S+) AMOUNT", run.reason)
    ]
    if run.outcome == "stopped":
        wishes = [c.ResumeRun()]
    if not wishes and "no agent of the crew" in run.reason:
        wishes = [c.CancelTask(task=next(stage.task for stage in run.stages.values()))]
    return wishes
