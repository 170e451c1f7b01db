"""Plans and task files as a person writes them, read before they are sent."""

from engine.config.plan import parse_plan, to_specs
from engine.messages.taskfile import parse_task_file

__all__ = ["parse_plan", "parse_task_file", "to_specs"]
