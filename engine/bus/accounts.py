"""Accounts of the bus: a random password each, in a folder that only this user can read.

A password is handed over by its file's name. It is never in an argument, an environment, a log or a status; the broker
is given salted hashes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from engine.bus.errors import UnknownAccount

PRIVATE_FOLDER, PRIVATE = 0o700, 0o600
SUFFIX = ".password"
ROUNDS = 101
"""Of PBKDF2, as mosquitto_passwd does by default: 256 random bits need no stretching."""
SALT = 12


class Accounts:
    """The passwords in `folder`, one file an account, made where they are missing."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self.folder, self.names = folder, names

    def create(self) -> None:
        """Make what is missing, and take away the files of accounts that are no more."""
        self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        self.folder.chmod(PRIVATE_FOLDER)
        for file in self.folder.glob(f"*{SUFFIX}"):
            if file.name.removesuffix(SUFFIX) not in self.names:
                file.unlink()
        for name in self.names:
            if not self.file(name).exists():
                write_private(self.file(name), secrets.token_urlsafe(32))

    def file(self, name: str) -> Path:
        """Where the password of an account is. Raises UnknownAccount."""
        if name not in self.names:
            raise UnknownAccount(name, self.names)
        return self.folder / f"{name}{SUFFIX}"

    def hashed(self) -> str:
        """All accounts as the lines of a password file of mosquitto."""
        return "".join(f"{name}:{hashed(self.file(name).read_text())}\n" for name in self.names)


def hashed(password: str, salt: bytes | None = None, rounds: int = ROUNDS) -> str:
    """A password as mosquitto 2 stores it: `$7$rounds$salt$hash`, PBKDF2 with SHA-512."""
    salt = salt or os.urandom(SALT)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def matches(password: str, stored: str) -> bool:
    """Whether it is the password of that hash, compared in constant time."""
    _, _, rounds, salt, _ = stored.split("$")
    return hmac.compare_digest(hashed(password, base64.b64decode(salt), int(rounds)), stored)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once; nobody else could ever read it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # which makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)
