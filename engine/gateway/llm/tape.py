"""A tape of all that passed between agents and vendors: recorded into a file, and played from it with no vendor.

Playing is strict. Each answer is given once, to the request it was the answer to: the same content, but for places,
ids and times, in the order recorded. What is not on the tape is refused in words that say what differs.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from engine.gateway.llm.content import content, plain
from engine.gateway.llm.masks import Masks, Places, shape
from engine.gateway.llm.merging import merged
from engine.gateway.llm.ports import Asked, Stored, TapeMiss
from engine.gateway.llm.tape_differs import nearest
from engine.gateway.llm.tape_lines import Head, Line, TapeError, data, portion, read

_HEADERS = ("content-type", "content-encoding", "retry-after", "x-should-retry")
_LIMITS = "ratelimit"
_STREAM = "text/event-stream"


def nowhere(_: str) -> dict[str, str]:
    """No places."""
    return {}


class Recorder:
    """Writes to `file`, which must not be there yet; only its owner may read it.

    `places` of an agent stand on the tape by their names, `secrets` (asked for each request anew) not at all. Raises
    `TapeError`.
    """

    plays = False

    def __init__(self, file: Path, *, places: Places = nowhere, secrets: Callable[[], Iterable[str]] = tuple) -> None:
        self._places, self._secrets = places, secrets
        self._lock = threading.Lock()
        try:
            self._fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except FileExistsError as error:
            raise TapeError(file, "is there already; a tape is recorded into a new file") from error
        except OSError as error:
            raise TapeError(file, f"can not be written: {error.strerror or error}") from error
        self._append(msgspec.json.encode(Head()))

    def play(self, asked: Asked) -> Stored:
        """It only records."""
        raise TapeMiss(f"the tape records, and has no answer for {asked.agent}")

    def record(self, asked: Asked, answer: Stored) -> None:
        """Append it, durable when this returns. Raises OSError."""
        masks = Masks(self._places(asked.agent), self._secrets())
        line = Line(
            agent=asked.agent,
            provider=asked.provider,
            kind=asked.kind,
            method=asked.method,
            path=masks.conceal(asked.path),
            model=asked.model,
            body=portion(_masked(asked.body, masks.conceal)),
            status=answer.status,
            headers=tuple((name, value) for name, value in answer.headers if _is_kept(name)),
            chunks=tuple(map(portion, _concealed(answer, masks))),
            cut=answer.cut,
        )
        self._append(msgspec.json.encode(line))

    def close(self) -> None:
        """Harmless twice."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1

    def _append(self, line: bytes) -> None:
        with self._lock:
            left = memoryview(line + b"\n")
            while left:
                left = left[os.write(self._fd, left) :]
            os.fsync(self._fd)


class Player:
    """Plays `file` where `places` are those of its agents now. Raises `TapeError`."""

    plays = True

    def __init__(self, file: Path, *, places: Places = nowhere) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, ...], list[Line]] = defaultdict(list)
        self._count = 0
        for line in read(file):
            self._waiting[_key(_asked(line))].append(line)
            self._count += 1

    @property
    def left(self) -> int:
        """Answers that were not played yet."""
        return sum(map(len, self._waiting.values()))

    def play(self, asked: Asked) -> Stored:
        """The next answer to this request. Raises TapeMiss, which says what differs."""
        masks = Masks(self._places(asked.agent))
        asked = replace(asked, path=masks.conceal(asked.path), body=_masked(asked.body, masks.conceal))
        with self._lock:
            lines = self._waiting.get(_key(asked), [])
            if not lines:
                left = [(_asked(line), line.agent) for lines in self._waiting.values() for line in lines]
                raise TapeMiss(nearest(asked, left, self._count))
            same = next((line for line in lines if line.agent == asked.agent), lines[0])
            lines.remove(same)
        return _stored(same, masks)

    def record(self, asked: Asked, answer: Stored) -> None:
        """Nothing: a tape that is played stays as it is."""

    def close(self) -> None:
        """Nothing is held."""


def _key(asked: Asked) -> tuple[str, ...]:
    """What an answer is found by: not who asks, since equal agents share the work in any order."""
    return asked.kind, asked.method, shape(asked.path), asked.model, shape(plain(content(asked)))


def _asked(line: Line) -> Asked:
    return Asked(
        agent=line.agent,
        provider=line.provider,
        kind=line.kind,
        method=line.method,
        path=line.path,
        model=line.model,
        body=data(line.body),
    )


def _stored(line: Line, masks: Masks) -> Stored:
    chunks = tuple(_masked(data(one), masks.reveal) for one in line.chunks)
    return Stored(status=line.status, headers=line.headers, chunks=chunks, cut=line.cut)


def _concealed(answer: Stored, masks: Masks) -> tuple[bytes, ...]:
    """An answer as it came, unless something in it has to be masked: then whole, with its crumbs put together."""
    whole = b"".join(answer.chunks)
    kinds = [value for name, value in answer.headers if name.lower() == "content-type"]
    if any(kind.startswith(_STREAM) for kind in kinds):
        whole = merged(whole)
    hidden = _masked(whole, masks.conceal)
    return answer.chunks if hidden == whole else (hidden,)


def _masked(text: bytes, change: Callable[[str], str]) -> bytes:
    try:
        return change(text.decode()).encode()
    except UnicodeDecodeError:
        return text


def _is_kept(name: str) -> bool:
    return name.lower() in _HEADERS or _LIMITS in name.lower()
