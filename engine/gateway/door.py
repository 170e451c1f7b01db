"""One keeper's way out, as what starts the keeper needs it: an address to give to its programs, and an exit behind it.

Where programs are in a network namespace of their own, the keeper makes the listeners in there and hands them over. In
tier basic they share this machine's network, so that the address holds a token: any program here could connect to it.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable

from engine.gateway.exit import Exit

LOCAL = "127.0.0.1"
BACKLOG = 128


class Door:
    """A door in a namespace is at `port` there and takes the keeper's listeners; one that is `here` has its own.

    `port` and `token` are known before the keeper starts. A door is served once, and closed with its exit.
    """

    def __init__(self, port: int, *, here: socket.socket | None = None, token: str = "") -> None:
        self.port, self.token = port, token
        self._here = here
        self._exit: Exit | None = None

    @classmethod
    def inside(cls, port: int) -> Door:
        """Tier strong: the keeper will listen on that port of its own 127.0.0.1."""
        return cls(port)

    @classmethod
    def here(cls) -> Door:
        """Tier basic: listen on a free port of this machine's 127.0.0.1, for who has the token. Raises OSError."""
        listener = socket.create_server((LOCAL, 0), backlog=BACKLOG)
        return cls(listener.getsockname()[1], here=listener, token=secrets.token_urlsafe(24))

    @property
    def proxy_url(self) -> str:
        """What HTTP_PROXY and its like are to be; a secret, where there is a token."""
        return f"http://quarterdeck:{self.token}@{LOCAL}:{self.port}" if self.token else f"http://{LOCAL}:{self.port}"

    async def serve(self, way_out: Exit, listeners: Iterable[socket.socket] = ()) -> None:
        """Serve this exit, on the keeper's listeners and its own. All of them are the door's from now on."""
        self._exit = way_out
        own = () if self._here is None else (self._here,)
        for listener in (*listeners, *own):
            await way_out.serve(listener, self.token)

    async def close(self) -> None:
        """End all that is under way. Harmless twice, and before it was served."""
        if self._exit is not None:
            await self._exit.close()
        if self._here is not None:
            self._here.close()
