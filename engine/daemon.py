"""The engine as a process of its own: one a repository, started by the first client that needs it.

It says on `--ready-fd` that it is ready or why it can not be, serves until it is told to end, is signalled, or has had
neither a run nor a client for a while; a broken record ends it at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.api.calls import CallRefused
from engine.api.launch import HELD
from engine.api.server import Server
from engine.bus.switch import Switch
from engine.config.settings import Bus
from engine.core.events import RunStarted, UnknownKind
from engine.journal.errors import AlreadyHeld, JournalError, OpenFailed
from engine.journal.keys import KeyRing
from engine.journal.lock import Lock, hold
from engine.journal.writer import Journal
from engine.processes.last_resort import reap_stale
from engine.processes.tree import become_unreadable
from engine.runtime.local import LocalEngine
from engine.runtime.preflight import repository, settings_of
from engine.runtime.record import Record
from workspaces.layout import Layout, exclude, runtime_folder, socket_path, state_folder
from workspaces.repository import Repository

IDLE_SECONDS = 600.0
BROKEN = 70
"""Exit status of an engine whose record could not be written (EX_SOFTWARE of sysexits)."""
LOCK = "quarterdeck.lock"

log = logging.getLogger("engine")


def main(argv: list[str] | None = None) -> int:
    """Run the engine of one repository to its end; the exit status."""
    parser = argparse.ArgumentParser(prog="engine.daemon")
    parser.add_argument("root", type=Path)
    parser.add_argument("--ready-fd", type=int)
    given = parser.parse_args(argv)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of every change
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    become_unreadable()  # agents may run as the same user, and our environment holds secrets
    try:
        return asyncio.run(_serve(given.root, given.ready_fd))
    except CallRefused as error:
        _say(given.ready_fd, {"error": {"reason": error.reason, "code": error.code, "exit": error.exit_code}})
        return error.exit_code


def _say(ready: int | None, what: dict[str, Any]) -> None:
    if ready is None:
        return
    with suppress(OSError):
        os.write(ready, json.dumps(what).encode() + b"\n")
        os.close(ready)


async def _serve(root: Path, ready: int | None) -> int:
    repo = await repository(root)
    lock = _lock(repo)
    try:
        layout = Layout(repo.root, state_folder(repo.id))
        layout.create()
        exclude(repo.common_dir)
        await asyncio.to_thread(reap_stale, layout.processes)
        journal, record = _record(layout)
        try:
            return await _live(LocalEngine(repo, layout, record), journal.notices, ready)
        finally:
            journal.close()
    finally:
        lock.release()


def _lock(repo: Repository) -> Lock:
    try:
        return hold(repo.common_dir / LOCK)
    except AlreadyHeld as error:
        raise CallRefused(str(error), code=HELD) from error


def _record(layout: Layout) -> tuple[Journal, Record]:
    """Open the record and fold it, every line of it checked."""
    try:
        journal = Journal.open(layout.journal, signer=KeyRing(layout.keys).signer("engine"))
        return journal, Record(journal)
    except OpenFailed as error:
        raise CallRefused(str(error), code="disk", exit_code=1) from error
    except JournalError as error:
        raise CallRefused(str(error), code="damaged", exit_code=5) from error
    except UnknownKind as error:
        raise CallRefused(str(error), code="version") from error


async def _come_up(engine: LocalEngine, notices: Sequence[str]) -> None:
    """Take up the record. Raises CallRefused if it can not be written from the first line on."""
    coming, broken = asyncio.create_task(engine.come_up(notices)), engine.record.broken
    ends: set[asyncio.Future[Any]] = {coming, broken}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if broken.done():
        raise CallRefused(str(broken.result()), code="disk", exit_code=1)
    await coming


async def _live(engine: LocalEngine, notices: Sequence[str], ready: int | None) -> int:
    idle = _Idle(engine)
    server = Server(engine, socket_path(engine.repo.id), changed=idle.clients("socket"))
    bus = _bus(engine, idle)
    await _come_up(engine, notices)
    await server.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: engine.end(kill=False))
    intake = asyncio.create_task(engine.intake.run(), name="intake")
    engine.record.listen(lambda _: idle.look())
    engine.record.listen(lambda event: bus.look(event.seq - 1) if isinstance(event.data, RunStarted) else None)
    bus.look(engine.seq)
    idle.look()
    _say(ready, {"ready": {"pid": os.getpid()}})
    try:
        return await _until_ended(engine, server, bus)
    finally:
        intake.cancel()
        await asyncio.gather(intake, return_exceptions=True)


def _bus(engine: LocalEngine, idle: _Idle) -> Switch:
    def wishes() -> Bus | None:
        try:
            return settings_of(engine.repo.root).bus
        except CallRefused:
            return None  # a run will say what is wrong with them

    socket = runtime_folder() / f"{engine.repo.id}.mqtt"
    folder = engine.layout.state / "bus"
    bus = Switch(engine, engine.repo.id, folder, socket, wishes=wishes, changed=idle.clients("bus"))
    engine.bus = bus.status
    return bus


async def _until_ended(engine: LocalEngine, server: Server, bus: Switch) -> int:
    ends: set[asyncio.Future[Any]] = {engine.ended, engine.record.broken}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if engine.record.broken.done():
        log.critical("the record can not be written, so nothing may go on: %s", engine.record.broken.result())
        await engine.freeze_all()
        os._exit(BROKEN)  # no reply, no tidy end: the keepers see it and end what they keep
    server.shut()
    await engine.go_down("the engine was ended", kill=engine.ended.result())
    await asyncio.gather(server.close(), bus.close())
    return 0


class _Idle:
    """Ends an engine that has neither a run nor a client for `IDLE_SECONDS`; no tick, one timer while idle."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine
        self._clients: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def clients(self, where: str) -> Callable[[int], None]:
        """What is to be called with the number of clients that are connected there now."""

        def changed(count: int) -> None:
            self._clients[where] = count
            self.look()

        return changed

    def look(self) -> None:
        """Something changed: arm or disarm the timer."""
        run = self._engine.record.state.run
        busy = any(self._clients.values()) or (run is not None and run.outcome is None)
        if busy and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif not busy and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end)

    def _end(self) -> None:
        log.info("nobody has been here for %g s", IDLE_SECONDS)
        self._engine.end(kill=False)


if __name__ == "__main__":
    sys.exit(main())
