"""Ends processes by their records, when no engine answers."""

from engine.processes.last_resort import kill_recorded
from engine.processes.records import path_of

__all__ = ["kill_recorded", "path_of"]
