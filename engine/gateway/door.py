"""A way out's own listener, where programs share this machine's network (tier basic): any of them could connect to it.

So it has a token, which the programs get as their proxy's password. Port and token are known before it is served,
because a program's environment and its rules are made of them.
"""

from __future__ import annotations

import secrets
import socket

from engine.gateway.exit import Exit

LOCAL = "127.0.0.1"
BACKLOG = 128


class Door:
    """Listens on a free `port` of this machine's 127.0.0.1, for who has the `token`. Raises OSError."""

    def __init__(self) -> None:
        self._listener = socket.create_server((LOCAL, 0), backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self.token = secrets.token_urlsafe(24)

    async def serve(self, way_out: Exit) -> None:
        """Serve this exit from now on; the listener is the exit's."""
        await way_out.serve(self._listener, self.token)

    def close(self) -> None:
        """Close what was never served. Harmless twice, and after the exit has closed it."""
        self._listener.close()
