"""Every kind of error that reaches a person, for the one table that puts them into words."""

from engine.config.errors import ConfigError
from engine.core.amounts import BadAmount
from engine.journal.errors import JournalDamaged, JournalError
from engine.messages.errors import MessageError
from engine.processes.errors import ProcessError
from workspaces.errors import GitFailed, GitMissing, UnsafeFolder, WorkspaceError

__all__ = [
    "BadAmount",
    "ConfigError",
    "GitFailed",
    "GitMissing",
    "JournalDamaged",
    "JournalError",
    "MessageError",
    "ProcessError",
    "UnsafeFolder",
    "WorkspaceError",
]
