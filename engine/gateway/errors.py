"""Why a request of an agent is not carried out, as types with fields. None of it ends more than that request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.gateway.names import Endpoint


class GatewayError(Exception):
    """Base of everything this package raises."""


class BadRequest(GatewayError):
    """What came is no request this proxy takes. `why` never repeats it: it may hold a secret."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not a request for this proxy: {why}")
        self.why = why


class BadHost(GatewayError):
    """A text is no host name and no address."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no usable host: {why}; write HOST, HOST:PORT or *.DOMAIN:PORT")
        self.why = why


class NotAllowed(GatewayError):
    """A host, or the address behind its name, may not be reached."""

    def __init__(self, to: Endpoint, why: str) -> None:
        super().__init__(f"{to} may not be reached: {why}")
        self.to, self.why = to, why


class Unreachable(GatewayError):
    """A host that may be reached did not answer, or is not known."""

    def __init__(self, to: Endpoint, why: str) -> None:
        super().__init__(f"{to} could not be reached: {why}; try again, or look at the network of this machine")
        self.to, self.why = to, why


class BadAnswer(GatewayError):
    """A server's answer is not HTTP, or its head is too long."""

    def __init__(self, to: Endpoint, why: str) -> None:
        super().__init__(f"{to} answered something that is not passed on: {why}")
        self.to, self.why = to, why


class Crowded(GatewayError):
    """More connections at once than an agent may have, or than the engine has descriptors for."""

    why = "too many connections at once"

    def __init__(self) -> None:
        super().__init__(f"{self.why}; end some of them first")


class NoToken(GatewayError):
    """Somebody else's program, or an agent's that ignores the name and the password in its proxy's address."""

    why = "without the password of this agent's proxy"

    def __init__(self) -> None:
        super().__init__(f"{self.why}; use the whole address in HTTPS_PROXY, with its name and password")


class TooSlow(GatewayError):
    """The head of a request did not come in time."""

    why = "its head did not come in time"

    def __init__(self) -> None:
        super().__init__(f"{self.why}; send the request again")
