"""Whether this engine has a bus. Off, it has cost the loading of this file and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.api.calls import Engine

if TYPE_CHECKING:
    from engine.bus.attached import Bus
    from engine.bus.provider import Wanted

OFF = {"state": "off"}


class Wishes(Protocol):
    """`[bus]` of both settings files."""

    @property
    def on(self) -> bool:
        """Whether there is to be one."""
        ...

    @property
    def provider(self) -> Wanted:
        """Which broker."""
        ...

    @property
    def port(self) -> int:
        """Where it listens; 0: anywhere free."""
        ...

    @property
    def accounts(self) -> tuple[str, ...]:
        """Who may log in."""
        ...


class Switch:
    """Attaches the bus once the settings say so: they are looked at when the engine starts, and with each run.

    `wishes` reads them (None: they are not usable, which a run will say). `folder` and `socket` are the bus's own.
    `changed` is called with the number of its clients.
    """

    def __init__(
        self,
        engine: Engine,
        repo_id: str,
        folder: Path,
        socket: Path,
        *,
        wishes: Callable[[], Wishes | None],
        changed: Callable[[int], None],
    ) -> None:
        self._engine, self._repo_id, self._folder, self._socket = engine, repo_id, folder, socket
        self._wishes, self._changed = wishes, changed
        self._bus: Bus | None = None

    def look(self, since: int) -> None:
        """Attach it if it is wished for and not there; events after `since` are said on it."""
        wishes = self._wishes()
        if wishes is None or not wishes.on or (self._bus is not None and self._bus.running):
            return
        from engine.bus.attached import Bus  # noqa: PLC0415  MQTT is loaded where it is used

        self._bus = Bus(
            self._engine,
            self._repo_id,
            self._folder,
            self._socket,
            since=since,
            provider=wishes.provider,
            port=wishes.port,
            accounts=wishes.accounts,
            changed=self._changed,
        )

    def status(self) -> dict[str, Any]:
        """What `status --json` says under `bus`."""
        return self._bus.status() if self._bus is not None else OFF

    async def close(self) -> None:
        """End it, in order."""
        if self._bus is not None:
            await self._bus.close()
