"""A project's settings before any engine runs: propose them, find what is wrong with them, the schema of every file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.bus.provider import brokers
from engine.config.access import Security
from engine.config.doctor import findings
from engine.config.errors import ConfigError
from engine.config.finding import Finding
from engine.config.init import propose, write
from engine.config.load import PROJECT_FILE, load
from engine.config.schema import NAMES, schema
from engine.config.settings import Settings
from workspaces.repository import Repository

if TYPE_CHECKING:
    from engine.processes.confinement.tiers import Tier

__all__ = [
    "NAMES",
    "PROJECT_FILE",
    "ConfigError",
    "Finding",
    "Repository",
    "Settings",
    "brokers",
    "confinement",
    "findings",
    "load",
    "propose",
    "schema",
    "write",
]


def confinement(settings: Settings | None) -> Tier:
    """What confines programs here, found by running one in it; `settings` may narrow what is tried."""
    import asyncio  # noqa: PLC0415  dear, and needed for this alone
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from engine.processes.confinement.probe import probe  # noqa: PLC0415

    security = settings.security if settings is not None else Security()
    with TemporaryDirectory(prefix="quarterdeck-") as scratch:
        return asyncio.run(probe(security.mechanisms, scratch=Path(scratch)))
