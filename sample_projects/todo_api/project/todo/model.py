"""One thing to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Todo:
    """A thing to do. The store gives the id, and never gives it twice."""

    id: int
    title: str
    done: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"id": self.id, "title": self.title, "done": self.done}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Todo:
        """What `to_dict` made."""
        return cls(id=data["id"], title=data["title"], done=data["done"])
