"""Options for mosquitto's own clients, so that nobody types a password where every process can read it.

Both read `$XDG_CONFIG_HOME/NAME`, an option a line (mosquitto_sub(1), mosquitto_pub(1)). Each account
has a folder with both beside its password.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.bus.accounts import PRIVATE_FOLDER, Accounts, write_private
from engine.bus.provider import Address

PROGRAMS = ("mosquitto_sub", "mosquitto_pub")


def write(accounts: Accounts, people: tuple[str, ...], address: Address) -> None:
    """Write the folders of these accounts, and take away those of accounts that are no more."""
    for old in accounts.folder.iterdir():
        if old.is_dir() and old.name not in people:
            shutil.rmtree(old)
    for name in people:
        home = folder(accounts.folder, name)
        home.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        password = accounts.file(name).read_text()
        options = f"-h {address.host}\n-p {address.port}\n-u {name}\n-P {password}\n"
        for program in PROGRAMS:
            write_private(home / program, options)


def folder(of_bus: Path, account: str) -> Path:
    """What to set `XDG_CONFIG_HOME` to for this account."""
    return of_bus / account
