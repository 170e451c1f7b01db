"""Ed25519 keys in a folder of their own: one file a name, for checkpoints and for the messages of agents.

A key is made when it is first needed and never leaves its file (PKCS 8, PEM, mode 0600). `cryptography` is loaded on
first use only: most commands sign nothing, and its import is dear.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.journal.errors import JournalError
from engine.journal.files import REAL

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BadKey(JournalError):
    """A key file cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"{path}: {why}; move the file away and a new key is made")


class Signer:
    """Signs with the key in one file, which is made when it is missing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """Whose key it is."""
        return self.path.stem

    def sign(self, data: bytes) -> bytes:
        """The 64-byte Ed25519 signature of `data`. Raises `BadKey`."""
        return self._key.sign(data)

    @cached_property
    def public(self) -> bytes:
        """The 32 bytes of the public key. Raises `BadKey`."""
        return self._key.public_key().public_bytes_raw()

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        try:
            return _load(self.path)
        except FileNotFoundError:
            _create(self.path)
            return _load(self.path)


class KeyRing:
    """The signers of a folder, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def signer(self, name: str) -> Signer:
        """The signer of that name: letters, digits, dot, dash and underscore, else `BadKey`."""
        if not _NAME.fullmatch(name):
            raise BadKey(self.folder / name, "no name of a key")
        return Signer(self.folder / f"{name}.pem")


def verify_signature(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether `signature` over `data` was made with the private half of `public` (32 bytes)."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  loaded on first use
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _load(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    text = path.read_bytes()
    if path.stat().st_mode & 0o077:
        raise BadKey(path, "others may read this private key")
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError) as error:
        raise BadKey(path, "no private key") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise BadKey(path, "no Ed25519 key")
    return key


def _create(path: Path) -> None:
    """Make a key; when two do so at once, the first file stays and both use it."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    text = Ed25519PrivateKey.generate().private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{os.urandom(8).hex()}.part")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
        REAL.sync_dir(path.parent)
