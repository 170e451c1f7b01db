"""What a run begins with: what is wanted, by whom, and under which rules; said once, at the top."""

from __future__ import annotations

from engine.core.amounts import show as show_amount
from engine.core.limits import each
from engine.core.state import Run, State
from engine.core.values import AgentSpec, Amount, Limits
from tui import cells
from tui.headless.confinement import calm, confinement
from tui.headless.look import Look
from tui.headless.moments import count, short
from tui.headless.rows import pairs


def opening(state: State, run: Run, look: Look) -> list[str]:
    """The head of a run."""
    title = look.dot.join([look.ink("quarterdeck", "bold"), f"run {run.id}", f"{run.pattern} onto {run.target}"])
    told = [
        ("goal", run.goal),
        ("base", f"{run.target} at {short(run.base)}"),
        ("crew", _crew([agent.spec for agent in state.agents.values()], look)),
        ("gate", " && ".join(run.check)),
        ("limits", _limits(run)),
        ("each agent", each(run.limits)),
        ("confined", calm(state.confinement)),
    ]
    return [
        cells.plain(title) if not look.colour else title,
        *pairs(told, look),
        *confinement(state.confinement, state.holes, look),
        "",
    ]


def _crew(crew: list[AgentSpec], look: Look) -> str:
    pools: dict[str, list[AgentSpec]] = {}
    for spec in crew:
        pools.setdefault(spec.pool or spec.name, []).append(spec)
    scripted = all(spec.runtime == "scripted" for spec in crew)
    told = ", ".join(_pool(name, pool, look, label=not scripted) for name, pool in pools.items())
    return f"{told}{look.dot}all scripted: they play what was written down, no model is asked" if scripted else told


def _pool(name: str, pool: list[AgentSpec], look: Look, *, label: bool) -> str:
    times = "\u00d7" if look.unicode else "x"
    many = f" {times}{len(pool)}" if len(pool) > 1 else ""
    return f"{name}{many}{' (scripted)' if label and pool[0].runtime == 'scripted' else ''}"


def _limits(run: Run) -> str:
    limits = run.limits
    budget = show_amount(limits.budget)
    money = ["no budget" if budget == "unlimited" else f"{budget} in all"]
    money += [f"{show_amount(of)} a {what}" for of, what in _besides(limits) if of != Amount()]
    at_once = f"{count(limits.agents, 'agent')} at once, {count(limits.attempts, 'attempt')} a task"
    return ", ".join([at_once, *money])


def _besides(limits: Limits) -> tuple[tuple[Amount, str], ...]:
    return ((limits.task_budget, "task"), (limits.day_budget, "day"))
