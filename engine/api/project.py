"""A project's settings before any engine runs: propose them, find what is wrong with them, the schema of every file."""

from engine.bus.provider import brokers
from engine.config.doctor import Finding, findings
from engine.config.errors import ConfigError
from engine.config.init import propose, write
from engine.config.load import PROJECT_FILE, load
from engine.config.schema import NAMES, schema
from engine.config.settings import Settings
from workspaces.repository import Repository

__all__ = [
    "NAMES",
    "PROJECT_FILE",
    "ConfigError",
    "Finding",
    "Repository",
    "Settings",
    "brokers",
    "findings",
    "load",
    "propose",
    "schema",
    "write",
]
