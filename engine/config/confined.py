"""What `doctor` says of confinement: the tier in force, why it is no stronger one, what agents are handed all the same.

The tier comes from a probe that ran a program in it; nothing here guesses from versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.config.access import MECHANISMS, Security
from engine.config.confinement import reasons, too_weak, ways_out
from engine.config.crew import crew
from engine.config.editable import editable_installs
from engine.config.errors import ConfigError
from engine.config.finding import Finding, Level
from engine.config.settings import Settings
from engine.processes.confinement.tiers import Tier

_LEVELS: dict[str, Level] = {"strong": "ok", "basic": "warn", "unconfined": "bad"}


def confinement(settings: Settings | None, tier: Tier) -> Iterator[Finding]:
    """The tier, with its known holes and what was tried before; and agents that ask for more."""
    security = settings.security if settings is not None else Security()
    why_not = [*reasons(security, tier), *(one for one in tier.tried if one[0] not in MECHANISMS)]
    yield Finding(
        level=_level(security, tier),
        what="confinement",
        detail=tier.label,
        mend=", or ".join(_helps(security, tier)),
        more=(*(f"known hole: {hole}" for hole in tier.holes), *(f"not {name}: {why}" for name, why in why_not)),
    )
    if settings is not None:
        yield from _asking_for_more(settings, tier)


def credentials(settings: Settings) -> Iterator[Finding]:
    """The files of the person's that agents get copies of."""
    for name, files in settings.credentials.items():
        gone = [file for file in files if not (Path.home() / file).is_file()]
        detail = f"{name} gets copies of {', '.join(files) or 'nothing'}"
        mend = f"there is no {', '.join(gone)} in {Path.home()}: log in, or mend [credentials]" if gone else ""
        yield Finding(level="warn" if gone else "ok", what="credentials", detail=detail, mend=mend)


def editable(root: Path, path: str, tier: Tier) -> Iterator[Finding]:
    """That a gate could import the person's checkout, where it could."""
    names = editable_installs(root, path)
    if not names:
        return
    detail = f"python on PATH has an editable install of this repository: {', '.join(names)}"
    if tier.name == "strong":
        more = ("gates see the tree under judgement in its place",)
        yield Finding(level="ok", what="editable", detail=detail, more=more)
        return
    mend = "gates may judge your checkout instead: make the environment in `setup`, for each tree its own"
    yield Finding(level="warn", what="editable", detail=detail, mend=mend)


def _helps(security: Security, tier: Tier) -> Iterator[str]:
    if tier.name != "strong":
        yield from ways_out(security, tier, "basic" if tier.name == "unconfined" else "strong")
    if tier.name == "unconfined":
        yield "run with --unconfined, and give it only work that you would run by hand"


def _level(security: Security, tier: Tier) -> Level:
    return "warn" if tier.name == "unconfined" and security.allow_unconfined else _LEVELS[tier.name]


def _asking_for_more(settings: Settings, tier: Tier) -> Iterator[Finding]:
    try:
        agents = crew(settings)
    except ConfigError:  # told already
        return
    for weak in too_weak(settings, agents, tier, allowed=False):
        yield Finding(
            level="bad", what="agents", detail=f"{weak.asks}, and in force is {tier.label}", mend=weak.way_out
        )
