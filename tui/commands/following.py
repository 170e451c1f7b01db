"""Follow one run to its end: tell it, stop it on Ctrl-C, answer with the exit code of what became of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from engine.api.errors import ApiError
from engine.api.sums import usage
from engine.core.commands import StopRun
from engine.core.events import Event, MergeDone, RunEnded, decode
from tui import door
from tui.commands import output
from tui.commands.errors import RunDied
from tui.headless.story import Story

if TYPE_CHECKING:
    from engine.api.client import Client
    from engine.api.place import Place

EXIT = {"verified": 0, "failed": 1, "budget": 3, "needs_human": 4, "stopped": 130}
"""The exit code of each outcome of a run."""


class Follower:
    """Follows the run `run` from the event after `seq` on; what is older has been told before, or never is."""

    def __init__(self, place: Place, client: Client, story: Story | None, *, run: str, seq: int) -> None:
        self._place, self._client, self._story = place, client, story
        self._run, self._seq = run, seq
        self._stopping = False

    def follow(self) -> int:
        """Return when the run has ended, with its exit code. Raises RunDied when its engine goes first."""
        before = signal.signal(signal.SIGINT, self._interrupted)
        try:
            return self._until_the_end()
        finally:
            signal.signal(signal.SIGINT, before)

    def _until_the_end(self) -> int:
        for line, event in self._events():
            self._tell(line, event)
            if isinstance(event.data, RunEnded) and event.run == self._run:
                return EXIT[event.data.outcome]
        raise AssertionError("a stream of events has no end")

    def _events(self) -> Iterator[tuple[bytes, Event]]:
        try:
            with self._client.raw_events(self._seq) as stream:
                for line in stream:
                    yield line, decode(line)
        except ApiError as error:
            log = door.layout(self._place).state / "engine.log"
            raise RunDied(f"the run was not followed to its end: {error} (the engine's log: {log})") from error

    def _tell(self, line: bytes, event: Event) -> None:
        if self._story is None and isinstance(event.data, RunEnded):
            output.objects([_in_full(line, event.data)])
        elif self._story is None:
            output.raw(line)
        else:
            output.lines(self._story.tell(event))

    def _interrupted(self, *_: object) -> None:
        """Ask for a stop in the middle of whatever is going on, which then goes on; the second time, leave.

        It asks on a connection of its own: the one that is followed may be in the middle of a reply.
        """
        if self._stopping:
            raise KeyboardInterrupt
        self._stopping = True
        output.aside("stopping the run; it can be resumed (Ctrl-C again leaves at once)")
        with door.attach(self._place) as client:
            client.submit(StopRun())


def _in_full(line: bytes, ended: RunEnded) -> dict[str, Any]:
    """The last object with every field there, also those that the record leaves out because they are empty."""
    found: dict[str, Any] = msgspec.json.decode(line)
    merged = [{"task": one.task, "commit": one.commit} for one in ended.merged]
    return {**found, "data": {**found["data"], "merged": merged, "usage": usage(ended.usage), "usd": ended.usd}}


def last_merge(place: Place, since: int) -> Event | None:
    """The last merge in the record after the event `since`."""
    from engine.api.archive import read  # noqa: PLC0415  only a run that is taken up has a past

    found = None
    for event in read(door.journal(place), since):
        found = event if isinstance(event.data, MergeDone) else found
    return found


def end(client: Client) -> None:
    """End the engine that we started, and wait until it is gone."""
    with suppress(ApiError):
        client.end()
        with client.raw_events(client.engine.seq) as stream:
            for _ in stream:
                pass
