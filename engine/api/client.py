"""The client: plain blocking calls, light to import, for the command line and for threads of a screen.

One call at a time on one client; a stream has a connection of its own. Threads open a client each. Every call raises
`CallRefused` with what the engine said, and `EngineGone` when it is dead or hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from engine.api import frames
from engine.api.calls import RunRequest
from engine.api.errors import BadFrame, EngineGone
from engine.api.frames import Wanted
from engine.api.wire import Wire
from engine.core.commands import Requests

T = TypeVar("T")


class Stream(Iterator[T], Generic[T]):
    """Events without a gap and without an end: it ends by `close`, or by raising EngineGone."""

    def __init__(self, wire: Wire, since: int, read: Callable[[bytes], T]) -> None:
        self._wire, self._read = wire, read
        wire.send(frames.Subscribe(since=since))

    def __next__(self) -> T:
        frame = self._wire.receive()
        while isinstance(frame, frames.Subscribed):
            frame = self._wire.receive()
        if not isinstance(frame, frames.Published):
            raise BadFrame(f"a {type(frame).__name__.lower()} in a stream of events")
        return self._read(bytes(frame.event))

    def close(self) -> None:
        """Leave."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Client:
    """A connection to the engine of one repository."""

    def __init__(self, path: Path, wire: Wire) -> None:
        self._path, self._wire = path, wire
        self._calls = 0

    @classmethod
    def connect(cls, path: Path, *, any_version: bool = False) -> Self:
        """Connect to the engine at this socket. With `any_version`, `end` works whatever version it is.

        Raises NoEngine, WrongVersion, EngineGone.
        """
        return cls(path, Wire(path, any_version=any_version))

    @property
    def engine(self) -> frames.Welcome:
        """What the engine said of itself when it was greeted: version, pid, seq."""
        return self._wire.engine

    def submit(self, request: Requests, actor: str = "person") -> list[dict[str, Any]]:
        """Ask the core; the events that followed, durable by now."""
        return self._call(frames.Submit(id=self._id(), request=request, actor=actor))  # type: ignore[no-any-return]

    def start_run(self, request: RunRequest, actor: str = "person") -> str:
        """Begin or take up a run; its id."""
        return self._call(frames.Start(id=self._id(), request=request, actor=actor))  # type: ignore[no-any-return]

    def kill(self, agent: str | None = None) -> list[dict[str, Any]]:
        """Kill one agent, or all; one object an agent, as `kill --json` prints it."""
        return self._call(frames.Kill(id=self._id(), agent=agent))  # type: ignore[no-any-return]

    def settled(self, agent: str | None, wanted: Wanted) -> list[dict[str, Any]]:
        """Return when the agent (None: all) is as wanted, however long it takes; an object with proof each."""
        return self._call(frames.Settled(id=self._id(), agent=agent, wanted=wanted))  # type: ignore[no-any-return]

    def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        return self._call(frames.Query(id=self._id(), what="status"))  # type: ignore[no-any-return]

    def end(self, *, kill: bool = False) -> None:
        """Begin to end the engine; `gone` waits for it."""
        self._call(frames.End(id=self._id(), kill=kill))

    def gone(self) -> None:
        """Return once the engine has ended, in order or not, or at least let go of its clients.

        Raises EngineGone for one that hangs.
        """
        try:
            while True:
                self._wire.receive()
        except EngineGone as gone:
            if gone.hung:
                raise

    def events(self, since: int = 0) -> Stream[dict[str, Any]]:
        """Every event after `since`, those to come included, on a connection of its own."""
        return self._stream(since, msgspec.json.decode)

    def raw_events(self, since: int = 0) -> Stream[bytes]:
        """As `events`, each as its JSON object in the record."""
        return self._stream(since, bytes)

    def close(self) -> None:
        """Leave."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _id(self) -> int:
        self._calls += 1
        return self._calls

    def _stream(self, since: int, read: Callable[[bytes], T]) -> Stream[T]:
        wire = Wire(self._path)
        try:
            return Stream(wire, since, read)
        except BaseException:
            wire.close()
            raise

    def _call(self, frame: frames.Call) -> Any:  # noqa: ANN401  JSON
        self._wire.send(frame)
        while True:
            reply = self._wire.receive()
            if isinstance(reply, frames.Done) and reply.id == frame.id:
                return msgspec.json.decode(reply.data)
            if isinstance(reply, frames.Refused) and reply.id == frame.id:
                raise reply.error()
            # Another id answers a call that was broken off, by Ctrl-C for example.
