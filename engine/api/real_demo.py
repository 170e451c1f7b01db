"""A sample project with a real agent in place of its scripted ones: who works with which model, and what is lacking."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config.gateways import gateway_of, kind_for, model_for, upstreams
from engine.config.load import PROJECT_FILE, load
from engine.config.programs import missing_programs
from engine.config.reach import cut_off
from engine.config.tools import TOOLS
from engine.config.vendors import VENDORS

NAMES = tuple(tool.runtime for tool in TOOLS)
"""The agents that a demo can be run with."""
SCRIPTS = "scripts"
_RUNTIME = re.compile(r'^runtime = "scripted".*$', re.MULTILINE)
_COMMAND = re.compile(rf'^command = \["{SCRIPTS}/.*\n', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """What such a demo would be. `lacks`: why it can not start, a sentence each.

    `models` are those it asks. `metered` says how well a budget holds it: by the `gateway`, `late` by its own word, or
    in tokens only, as a subscription (`plan`) has no price; `terms` are what its vendor says of that.
    """

    title: str
    models: tuple[str, ...]
    lacks: tuple[str, ...]
    metered: str
    terms: str = ""


def recast(project: Path, runtime: str) -> None:
    """Put a real agent in the place of each scripted one of a sample's copy, and take their scripts away."""
    path = project / PROJECT_FILE
    text = _RUNTIME.sub(f'runtime = "{runtime}"', path.read_text(encoding="utf-8"))
    path.write_text(_COMMAND.sub("", text), encoding="utf-8")
    shutil.rmtree(project / SCRIPTS)


def real(project: Path, environment: Mapping[str, str]) -> Real:
    """What is known of a recast sample before it starts; `environment` holds keys and PATH. Raises ConfigError."""
    settings = load(project)
    missing = [*missing_programs(settings, environment.get("PATH", ""), project), *cut_off(settings, environment)]
    agents = list(settings.agents.values())
    there = upstreams(settings, environment)
    kind = kind_for(settings, agents[0])
    upstream = there.get(gateway_of(settings, agents[0], kind)) if kind is not None else None
    title = next((tool.title for tool in TOOLS if tool.runtime == agents[0].runtime), agents[0].runtime)
    return Real(
        title=title,
        models=tuple(dict.fromkeys(filter(None, (model_for(settings, agent) for agent in agents)))),
        lacks=tuple(dict.fromkeys(f"{one.reason}; {one.way_out}" for one in missing)),
        metered="late" if upstream is None else "plan" if upstream.plan else "gateway",
        terms=VENDORS[upstream.kind].terms if upstream is not None and upstream.plan else "",
    )
