"""What a simulated run starts from: a crew, a small plan, limits. All from the seed."""

from __future__ import annotations

from random import Random

from engine.core import commands as c
from engine.core.plans import missing_capabilities
from engine.core.values import AgentSpec, Amount, Limits, TaskSpec

PATTERNS = ("pipeline", "pipeline", "solo", "parallel")
CHECK = ("true",)


def crew(rng: Random) -> tuple[AgentSpec, ...]:
    """One to six agents: builders, some of whom review or plan too, and reviewers."""
    found = []
    for number in range(rng.randint(1, 4)):
        does = ["implement", *(["python"] if rng.random() < 0.5 else [])]
        does += [extra for extra in ("review", "plan") if rng.random() < 0.25]
        found.append(_agent(rng, f"builder-{number}", "builder", does))
    reviewers = (_agent(rng, f"reviewer-{number}", "reviewer", ["review"]) for number in range(rng.randint(0, 2)))
    return (*found, *reviewers)


def _agent(rng: Random, name: str, pool: str, does: list[str]) -> AgentSpec:
    budget = Amount(tokens=rng.choice((300, 3_000))) if rng.random() < 0.15 else None
    asks = rng.choice(({}, {}, {"execute": "confirm", "execute:make": "auto"}, {"*": "confirm"}, {"edit:p0": "review"}))
    late = rng.random() < 0.2
    return AgentSpec(name=name, pool=pool, runtime="scripted", does=tuple(does), budget=budget, asks=asks, late=late)


def tasks(rng: Random, count: int, known: list[str], prefix: str = "t") -> tuple[TaskSpec, ...]:
    """A small graph that hangs together with the tasks already `known`."""
    made: list[TaskSpec] = []
    for number in range(count):
        name = f"{prefix}{len(known) + number}"
        earlier = [*known, *(spec.id for spec in made)]
        after = tuple(rng.sample(earlier, min(len(earlier), rng.choice((0, 0, 1, 1, 2)))))
        made.append(_task(rng, name, after))
    return tuple(made)


def _task(rng: Random, name: str, after: tuple[str, ...]) -> TaskSpec:
    return TaskSpec(
        id=name,
        title=f"do {name}",
        after=after,
        needs=("python",) if rng.random() < 0.1 else (),
        priority=rng.choice((0, 0, 0, 1, 5)),
        agent="builder" if rng.random() < 0.1 else None,
        accept=(f"accept {name}",) if rng.random() < 0.2 else (),
        review=rng.choice((None, None, None, True, False)),
        risk=rng.choice(("low", "low", "low", "medium", "high")),
    )


def _amount(rng: Random, little: int, much: int, chance: float) -> Amount:
    return Amount(tokens=rng.choice((little, much))) if rng.random() < chance else Amount()


def start(rng: Random) -> c.StartRun:
    """A run that the crew could do. Drawn again until it is."""
    while True:
        pattern, who, review = rng.choice(PATTERNS), crew(rng), rng.random() < 0.7
        planned = rng.random() < 0.85 or pattern == "solo"
        plan = tasks(rng, rng.randint(1, 5), []) if planned else ()
        if not missing_capabilities(who, plan, pattern, review=review):
            break
    return c.StartRun(
        run=f"r{rng.randrange(1000)}",
        goal="a goal",
        pattern=pattern,
        target="main",
        base="c-base",
        crew=who,
        limits=Limits(
            agents=rng.randint(1, 4),
            attempts=rng.randint(1, 3),
            budget=_amount(rng, 1_000, 10_000, 0.2),
            task_budget=_amount(rng, 300, 3_000, 0.15),
            day_budget=_amount(rng, 500, 5_000, 0.15),
        ),
        check=CHECK,
        tasks=plan,
        approvals=rng.choice(({}, {"high": "review"}, {"medium": "confirm", "high": "review"})),
        review=review,
        allow_red=rng.random() < 0.3,
    )
