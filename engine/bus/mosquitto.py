"""A private mosquitto: its configuration for the version that is there. See mosquitto.conf(5).

The engine talks to it through a unix socket, everybody else through one loopback port with a password. Nothing of it is
kept on disk: what matters is in the record.
"""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from functools import cache

from engine.bus.accounts import write_private
from engine.bus.provider import HEAD, HOST, PAYLOAD, QUEUED, Address, Place, Prepared
from engine.bus.topics import mosquitto_acl

OLDEST, TOO_NEW = (2, 0), (3, 0)
"""Unix sockets came with 2.0; `password_file` and `acl_file` go with 3.0."""


class Mosquitto:
    """The mosquitto at `program`."""

    name = "mosquitto"

    def __init__(self, program: str, version: str) -> None:
        self.program, self.version = program, version

    def prepare(self, place: Place) -> Prepared:
        """Write its three files."""
        files = {name: place.folder / f"mosquitto.{name}" for name in ("conf", "passwd", "acl")}
        users = tuple(name for name in place.accounts.names if name != "engine")
        write_private(files["passwd"], place.accounts.hashed())
        write_private(files["acl"], mosquitto_acl(place.root, users))
        place.socket.unlink(missing_ok=True)  # of a broker that was killed
        lines = [
            f"listener 0 {place.socket}",
            f"listener {place.port} {HOST}",
            "allow_anonymous false",
            f"password_file {files['passwd']}",
            f"acl_file {files['acl']}",
            "persistence false",
            "set_tcp_nodelay true",
            "sys_interval 0",
            f"max_packet_size {PAYLOAD + HEAD}",
            f"max_queued_messages {QUEUED}",
            "log_dest stderr",
            "log_type error",
            "connection_messages false",
        ]
        if os.geteuid() == 0:
            lines.append(f"user {getpass.getuser()}")  # it would become "mosquitto", who may not read these files
        write_private(files["conf"], "\n".join((*lines, "")))
        address = Address(provider=self.name, host=HOST, port=place.port, socket=place.socket)
        return Prepared(argv=(self.program, "-c", str(files["conf"])), address=address)


@cache
def usable(program: str) -> Mosquitto | None:
    """The mosquitto at this path, if its version is one that these files are for."""
    try:
        said = subprocess.run([program, "-h"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"mosquitto version (\d+)\.(\d+)\S*", said)
    if version is None or not OLDEST <= (int(version[1]), int(version[2])) < TOO_NEW:
        return None
    return Mosquitto(program, version[0].removeprefix("mosquitto version "))
