"""A fake engine as a process, started as the real one is: takes the lock, says so on the ready pipe, serves."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec
from support.fake_engine import serve

from engine.api.launch import HELD
from engine.journal.errors import AlreadyHeld
from engine.journal.lock import hold
from workspaces import layout
from workspaces.identity import identify


def say(fd, line):
    os.write(fd, msgspec.json.encode(line) + b"\n")
    os.close(fd)


def main():
    root, ready = Path(sys.argv[1]), int(sys.argv[3])
    mode = os.environ.get("QUARTERDECK_FAKE", "")
    print("starting", os.getpid(), flush=True)
    if mode == "die":
        sys.exit("the disk is full")
    if mode == "refuse":
        say(ready, {"error": {"reason": "the record is damaged", "code": "damaged", "exit": 5}})
        return
    place = identify(root)
    try:
        lock = hold(place.common_dir)
    except AlreadyHeld as held:
        say(ready, {"error": {"reason": str(held), "code": HELD, "exit": 2}})
        return
    with lock:
        asyncio.run(
            serve(layout.socket_path(place.id), lambda *_: say(ready, {"ready": {"environment": sorted(os.environ)}}))
        )


if __name__ == "__main__":
    main()
