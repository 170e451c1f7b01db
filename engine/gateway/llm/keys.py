"""The key of a gateway, from where the user keeps it: an environment variable, the keyring, or a command.

A secret is asked for when a request needs it and is in no `repr`, log line or error: neither the key nor what a
command printed. `keyring` is imported when the first key comes from there.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping

PATIENCE = 10.0
"""Seconds a command may take."""
FRESH = 300.0
"""Seconds for which what a command or the keyring said is used again."""
SERVICE = "quarterdeck"
"""Under which `keyring:NAME` looks for NAME."""
LONGEST = 16 * 1024
Secret = Callable[[], str]


class KeyTrouble(Exception):
    """A gateway's key can not be had; `why` says it without anything secret, `way_out` what helps."""

    def __init__(self, gateway: str, why: str, way_out: str) -> None:
        self.gateway, self.why, self.way_out = gateway, why, way_out
        super().__init__(f"[gateway.{gateway}] key: {why}; {way_out}")


def secret(gateway: str, said: str, environment: Mapping[str, str]) -> Secret:
    """What gives the key of `gateway` anew each time; `said` is as its setting is written.

    The first call may take `PATIENCE` seconds where a program has to run, so an event loop asks in a thread. Calling
    raises `KeyTrouble`.
    """
    source, _, rest = said.partition(":")
    if source == "env":
        return _Variable(gateway, rest, environment)
    if source == "keyring":
        return _Kept(gateway, lambda: _from_keyring(gateway, rest))
    if source == "command":
        return _Kept(gateway, lambda: _from_command(gateway, rest, dict(environment)))
    raise KeyTrouble(gateway, "is none of env:, keyring: and command:", "mend it in your own settings")


def shown(said: str) -> str:
    """Where a key comes from, in words that hold nothing of it: of a command its program only."""
    source, _, rest = said.partition(":")
    if source == "env":
        return f"${rest}"
    return f'"{rest}" in the keyring' if source == "keyring" else f"the command {_program(rest)}"


class _Variable:
    def __init__(self, gateway: str, name: str, environment: Mapping[str, str]) -> None:
        self._gateway, self._name = gateway, name
        self._value = environment.get(name, "")

    def __call__(self) -> str:
        if not self._value:
            way_out = "set it where you start the run from; it is handed over from there, and kept in memory only"
            raise KeyTrouble(self._gateway, f"${self._name} is not set", way_out)
        return _sound(self._gateway, self._value)

    def __repr__(self) -> str:
        return f"<key of {self._gateway} from ${self._name}>"


class _Kept:
    """What was asked for, for `FRESH` seconds. Threads may ask at the same time; one of them finds out for all."""

    def __init__(self, gateway: str, ask: Secret) -> None:
        self._gateway, self._ask = gateway, ask
        self._lock = threading.Lock()
        self._value = ""
        self._until = 0.0

    def __call__(self) -> str:
        with self._lock:
            if time.monotonic() >= self._until:
                self._value = _sound(self._gateway, self._ask())
                self._until = time.monotonic() + FRESH
            return self._value

    def __repr__(self) -> str:
        return f"<key of {self._gateway}>"


def _sound(gateway: str, value: str) -> str:
    """The key, which goes into a header: one word of plain characters. Line ends around it are not its own."""
    key = value.strip()
    if not key or len(key) > LONGEST or not key.isascii() or not key.isprintable() or " " in key:
        raise KeyTrouble(gateway, "what is there is no key: it must be one word", "look at what you keep there")
    return key


def _from_keyring(gateway: str, name: str) -> str:
    try:
        import keyring  # noqa: PLC0415  an extra, and dear
    except ImportError:
        raise KeyTrouble(gateway, "keyring is not installed", "install quarterdeck[keyring]") from None
    way_out = f"put it there with `keyring set {SERVICE} {shlex.quote(name)}`"
    try:
        found = keyring.get_password(SERVICE, name)
    except Exception as error:  # noqa: BLE001  each backend has its own, and their texts are not ours to show
        raise KeyTrouble(gateway, f"the keyring gives nothing ({type(error).__name__})", way_out) from None
    if not found:
        raise KeyTrouble(gateway, f'the keyring has no "{name}" of {SERVICE}', way_out)
    return found


def _from_command(gateway: str, line: str, environment: dict[str, str]) -> str:
    """What a command prints. It runs with no shell, outside of every repository, and is ended with all it started."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    if not words:
        raise KeyTrouble(gateway, "its command can not be read", "write it as a shell would take it")
    way_out = f"run {_program(line)} yourself, to see what it says"
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except OSError as error:
        raise KeyTrouble(gateway, f"{_program(line)} can not be started: {error.strerror}", way_out) from None
    printed = _printed(process, gateway, line, way_out)
    if process.returncode:
        raise KeyTrouble(gateway, f"{_program(line)} ended with {process.returncode}", way_out)
    return printed.decode(errors="replace")


def _printed(process: subprocess.Popen[bytes], gateway: str, line: str, way_out: str) -> bytes:
    with process:
        try:
            return process.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # not collected yet, so the number is its own
            why = f"{_program(line)} says nothing within {PATIENCE:g} s"
            raise KeyTrouble(gateway, why, way_out) from None


def _program(line: str) -> str:
    """The first word of a command: what follows may be secret."""
    words = line.split()
    return words[0] if words else "nothing"
