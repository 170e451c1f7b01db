"""`demo --agent`: a sample with a real agent, which says what it may cost at most before anything is asked."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands import output
from tui.commands.errors import Declined, NotReady
from tui.grammar import UsageError

if TYPE_CHECKING:
    from engine.api.real_demo import Real

BUDGET = "1usd"
"""What such a demo may cost, unless it is said."""
TOKENS = "1mtok"
"""What it may use where a subscription has no prices."""
SAMPLE = "hello_fix"


def check(args: Namespace) -> None:
    """Whether what was typed can be. Raises UsageError."""
    if args.agent is None:
        if args.budget is not None or args.yes:
            raise UsageError("--budget and --yes are for a demo with a real agent; say which with --agent")
        return
    from engine.api.real_demo import NAMES  # noqa: PLC0415  a demo with scripts pays for nothing of this
    from engine.api.words import BadAmount, parse_amount  # noqa: PLC0415

    if args.agent not in NAMES:
        raise UsageError(f"--agent {args.agent}: a demo runs with {', '.join(NAMES)}")
    try:
        parse_amount(args.budget or BUDGET)
    except BadAmount as error:
        raise UsageError(f"--budget: {error}") from error


def cast(project: Path, agent: str) -> None:
    """Give the roles in a copied sample to the agent."""
    from engine.api.real_demo import recast  # noqa: PLC0415

    recast(project, agent)


def agreed(args: Namespace, project: Path, environment: Mapping[str, str]) -> str:
    """Say what it may cost at most, and ask who sits there; that amount. Raises NotReady, Declined.

    `environment` is what is handed over, keys and all.
    """
    from engine.api.real_demo import real  # noqa: PLC0415

    about = real(project, environment)
    if about.lacks:
        raise NotReady(args.agent, about.lacks)
    budget: str = args.budget or (TOKENS if about.metered == "plan" else BUDGET)
    lines = told(about, budget)
    if args.json:
        for line in lines:
            output.aside(line)
    else:
        output.lines([*lines, ""])
    if not args.yes and at_terminal() and not _yes():
        raise Declined
    return budget


def told(about: Real, budget: str) -> list[str]:
    """What it may cost at most, and what that rests on."""
    models = f" ({', '.join(about.models)})" if about.models else ""
    lines = [f"This asks real models{models} through {about.title}."]
    if about.metered == "gateway":
        lines += [f"It may cost at most {budget}: what could be more is not sent, and it stands still."]
    elif about.metered == "plan":
        lines += [f"It draws on your subscription, and may use at most {budget} of it.", about.terms]
    else:
        lines += [f"It may cost {budget} and what it asks last: it is stopped by its own figures, which come late."]
    return lines


def at_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _yes() -> bool:
    try:
        return input("Start it? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False
