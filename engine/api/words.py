"""Words shared with whoever shows and asks: amounts as people write them, the variables a client hands over."""

from engine.agents.environment import allowed_environment
from engine.core.amounts import parse as parse_amount

__all__ = ["allowed_environment", "parse_amount"]
