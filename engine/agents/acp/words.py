"""What the client and its connection say to each other: plain values, so that only the connection needs the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from engine.agents.base import AgentError, Asks, Update
from engine.core.values import Tokens


class PeerRefused(AgentError):
    """The agent answered a request with an error; `status` is HTTP's where it names one, else 0."""

    def __init__(self, method: str, code: int, text: str, status: int = 0) -> None:
        self.method, self.code, self.text, self.status = method, code, text, status
        super().__init__(f"{method}: {text} ({code})")


class PeerGarbled(AgentError):
    """The agent answered a request with something that the protocol does not know."""

    def __init__(self, method: str, problem: str) -> None:
        self.method, self.problem = method, problem
        super().__init__(f"its answer to {method} is not the protocol's: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """Who answers. It takes up an earlier session as it stands, or tells it again; and it may want to close one."""

    version: str
    resumes: bool
    loads: bool
    closes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An open session. `models` are those it offers by a setting, which is called `model_setting`."""

    session: str
    mode: str = ""
    modes: tuple[str, ...] = ()
    model: str = ""
    models: tuple[str, ...] = ()
    model_setting: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a turn ended: `stop` as the protocol names it. `meta` is what the agent says beyond the protocol."""

    stop: str
    tokens: Tokens | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


class Client(Protocol):
    """Who a connection is for."""

    def updated(self, update: Update) -> None:
        """It tells of what it does."""
        ...

    def spent(self, usd: Decimal) -> None:
        """It says what its session has cost so far, in dollars."""
        ...

    def remarked(self, meta: Mapping[str, Any]) -> None:
        """It says something beyond the protocol beside an update."""
        ...

    def misread(self, problem: str) -> None:
        """It said something that can not be understood."""
        ...

    async def asked(self, ask: Asks) -> bool | None:
        """It wants leave. None: the turn ends instead."""
        ...
