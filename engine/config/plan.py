"""The plan: what a person's `--plan` file, a task file's front matter and a planner's result have in common.

A plan is taken whole or refused whole, with every complaint at its line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from pydantic import Field

from engine.config import document
from engine.config.document import Document, Format
from engine.config.errors import ConfigError, together
from engine.config.locate import Path as Place
from engine.config.strict import Lines, Spot, Strict, Word, Words, validate
from engine.config.written import Budget, Tier
from engine.core import plans
from engine.core.values import Risk, TaskSpec

STDIN = "-"


class PlanTask(Strict):
    """One task of a plan; only its id is required."""

    id: Annotated[str, Field(json_schema_extra={"pattern": "^[a-z0-9-]+$", "maxLength": plans.LONGEST_ID})]
    title: str = ""
    prompt: str = Field(default="", description="what the agent is told")
    kind: Word = Field(default="implement", description="the capability its work asks for")
    needs: Words = Field(default=(), description="capabilities beyond the kind")
    after: Words = Field(default=(), description="ids of the tasks it waits for")
    touches: Lines = Field(default=(), description="declared paths, relative to the repository's root")
    priority: int = Field(default=0, ge=-1_000_000, le=1_000_000, description="higher first")
    agent: Word | None = Field(default=None, description="pins an agent")
    accept: Lines = Field(default=(), description="shell lines that must pass besides the project's gate")
    review: bool | None = Field(default=None, description="default: from the pattern")
    risk: Risk = "low"
    tier: Tier | None = Field(default=None, description="which of [models] it is worth; default: its agent's")
    budget: Budget | None = Field(default=None, description="what it may use, of its agents' and the run's")

    def to_spec(self) -> TaskSpec:
        """The task as the core knows it; without a title it is called by its id."""
        said = self.model_dump(exclude={"budget"}) | {"tier": self.tier or "", "budget": self.budget}
        spec = msgspec.convert(said, TaskSpec)
        return spec if spec.title.strip() else msgspec.structs.replace(spec, title=spec.id)


class Plan(Strict):
    """A goal and the tasks that reach it."""

    goal: str = ""
    task: Annotated[tuple[PlanTask, ...], Field(strict=False)] = ()


def load_plan(path: str | Path, *, stdin: str | None = None) -> Plan:
    """Read a plan file, TOML or JSON by its suffix or else its content; `-` is the text given as `stdin`.

    Raises `ConfigError`.
    """
    if str(path) == STDIN and stdin is not None:
        return parse_plan(stdin, name="standard input")
    path = Path(path)
    return parse_plan(document.read_text(path, str(path)), name=str(path), fmt=_format(path))


def parse_plan(text: str, *, name: str, fmt: Format | None = None) -> Plan:
    """Read a plan from text; without `fmt` a text that begins with a brace is JSON.

    Raises `ConfigError` with every complaint.
    """
    guessed: Format = "json" if text.lstrip().startswith("{") else "toml"
    return _checked(document.parse(text, name=name, fmt=fmt or guessed))


def plan_from_agent(data: dict[str, Any], *, name: str = "plan") -> Plan:
    """Check the plan in an agent's result; it has no text, so its complaints have no line.

    Raises `ConfigError`.
    """
    return _checked(Document(name=name, data=data))


def to_specs(plan: Plan) -> tuple[TaskSpec, ...]:
    """The tasks of a plan as the core knows them, in its order."""
    return tuple(task.to_spec() for task in plan.task)


def refusal(found: list[plans.Problem], source: Document) -> ConfigError:
    """What the core found in a plan, at the lines of the text it came from. `found` is not empty."""
    return together([_located(problem, source) for problem in found])


def _checked(source: Document) -> Plan:
    plan = validate(Plan, source.data, (source,), lambda path: _placed(path, source.data))
    found = plans.problems(to_specs(plan))
    if found:
        raise refusal(found, source)
    return plan


def _located(problem: plans.Problem, source: Document) -> ConfigError:
    if problem.index is None:
        return ConfigError(problem.text, file=source.name, way_out=problem.way_out)
    path = ("task", problem.index, problem.field)
    spot = _placed(path, source.data)
    return ConfigError(
        problem.text,
        file=source.name,
        line=source.line(path),
        place=spot.place,
        field=spot.field,
        way_out=problem.way_out,
    )


def _placed(path: Place, data: dict[str, Any]) -> Spot:
    """`task "parse"` and the field in it; a task without an id is known by its number."""
    names = [step for step in path if isinstance(step, str)]
    if len(path) < 2 or path[0] != "task" or not isinstance(path[1], int):
        return Spot("", names[-1] if names else "")
    task = data["task"][path[1]]
    name = task.get("id") if isinstance(task, dict) else None
    place = f'task "{name[: plans.LONGEST_ID]}"' if isinstance(name, str) else f"task {path[1] + 1}"
    return Spot(place, names[1] if len(names) > 1 else "")


def _format(path: Path) -> Format | None:
    suffixes: dict[str, Format] = {".toml": "toml", ".json": "json"}
    return suffixes.get(path.suffix.lower())
