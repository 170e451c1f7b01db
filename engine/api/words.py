"""Words shared with whoever shows and asks: amounts, text that is safe to print, the variables a client hands over."""

from engine.agents.environment import allowed_environment
from engine.config.amounts import parse as parse_amount
from engine.config.amounts import show as show_amount
from engine.processes.text import clean

__all__ = ["allowed_environment", "clean", "parse_amount", "show_amount"]
