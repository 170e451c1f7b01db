"""The record on disk, read and verified without an engine."""

from engine.journal.archive import export
from engine.journal.reader import read
from engine.journal.verify import Report, verify

__all__ = ["Report", "export", "read", "verify"]
