"""What is wrong with a request to a model, as a type. The text goes back to the agent: it never holds a secret."""

from __future__ import annotations


class BadCall(Exception):
    """A request that is not sent on: it could not be understood, or what it asks for could not be metered."""

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.text, self.status = text, status
