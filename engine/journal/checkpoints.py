"""Signed statements of how far the record went: the one thing that shows truncation, once a copy has left the machine.

The text is a signed note as C2SP tlog-checkpoint has it: origin, entries (the seq), base64 of the head's hash, then
our two extension lines (`bytes` of all segments, `time` in seconds since the epoch), an empty line and the signature.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from engine.journal import chain, reader
from engine.journal.chain import BrokenLine, Head, Mark
from engine.journal.errors import CheckpointRefused, JournalDamaged
from engine.journal.files import Files, cut, publish, write_all
from engine.journal.keys import Signer, verify_signature

ORIGIN = "quarterdeck.dev/journal"
NAME = "checkpoints"
KEY_NAME = "public.key"
_ED25519 = b"\x01"
_BETWEEN = b"\n\n\n"


class Checkpoint(NamedTuple):
    """After event `seq` the head was `hash` and all segments together held `size` bytes. `at`: seconds."""

    seq: int
    hash: str
    size: int
    at: float
    signature: str

    @property
    def signed(self) -> bytes:
        """The text that the signature is about."""
        root = b64encode(bytes.fromhex(self.hash)).decode()
        return f"{ORIGIN}\n{self.seq}\n{root}\nbytes {self.size}\ntime {self.at!r}\n".encode()

    @property
    def note(self) -> str:
        """The whole note, to be kept elsewhere too."""
        return f"{self.signed.decode()}\n\u2014 {ORIGIN} {self.signature}\n"

    @property
    def mark(self) -> Mark:
        """The place it is about."""
        return Mark(Head(self.seq, self.hash), self.size)


def sign(mark: Mark, at: float, signer: Signer) -> Checkpoint:
    """State `mark` at the time `at`."""
    blank = Checkpoint(mark.head.seq, mark.head.hash, mark.size, float(at), "")
    signature = _key_id(signer.public) + signer.sign(blank.signed)
    return blank._replace(signature=b64encode(signature).decode())


def is_signed_by(checkpoint: Checkpoint, public: bytes) -> bool:
    """Whether the signature is by that key (32 bytes)."""
    try:
        raw = b64decode(checkpoint.signature, validate=True)
    except ValueError:
        return False
    return raw[:4] == _key_id(public) and verify_signature(public, checkpoint.signed, raw[4:])


def parse(note: str) -> Checkpoint:
    """Read one note. Raises `ValueError` for anything that `Checkpoint.note` would not have written."""
    try:
        _, seq, root, size, at, _, signature = note.removesuffix("\n").split("\n")
        found = Checkpoint(
            int(seq), b64decode(root, validate=True).hex(), int(size[6:]), float(at[5:]), signature.split(" ")[2]
        )
    except (ValueError, IndexError) as error:
        raise ValueError("no checkpoint") from error
    if found.note != note or b64encode(b64decode(found.signature)).decode() != found.signature:
        raise ValueError("no checkpoint of this record")
    return found


def read_file(files: Files, folder: Path) -> tuple[list[Checkpoint], int, bytes]:
    """The notes that the checkpoint file of a record begins with, the bytes they take, and what stands behind them."""
    data = files.read(folder / NAME) if NAME in files.names(folder) else b""
    found, good = list[Checkpoint](), 0
    for text in data.split(_BETWEEN)[:-1]:
        point = _parsed(text)
        if point is None:
            break
        found.append(point)
        good += len(text) + len(_BETWEEN)
    return found, good, data[good:]


class Checkpoints:
    """The checkpoint file of one record. It never says anything that contradicts what it said before."""

    def __init__(self, files: Files, folder: Path, opened: Mark) -> None:
        """Read the file, cut a torn end and hold the last note against the record, which ends at `opened`.

        Raises `JournalDamaged` when the record lacks what was signed, or holds another event in its place.
        """
        self._files = files
        self._folder = folder
        self._path = folder / NAME
        self._opened = opened
        self._followed = False
        self._torn = False
        found, good, rest = read_file(files, folder)
        self._last = found[-1] if found else None
        if any(_parsed(text) for text in rest.split(_BETWEEN)[1:-1]):
            raise JournalDamaged(self._path, "a checkpoint is damaged, and others follow", offset=good)
        if self._last is not None:
            self._compare(self._last)
        if rest:
            cut(files, self._path, good)

    @property
    def last(self) -> Checkpoint | None:
        """The newest checkpoint; None before the first."""
        return self._last

    def add(self, mark: Mark, at: float, signer: Signer) -> Checkpoint:
        """Sign `mark` and append it, durably. Raises `CheckpointRefused`; `OSError` once, for a full disk."""
        if self._torn:
            raise CheckpointRefused(self._folder, "an earlier one may be half written; the next start mends that")
        if not self._followed:
            self._follow()
        if self._last is not None and mark.head.seq < self._last.seq:
            raise CheckpointRefused(self._folder, f"it ends at {mark.head.seq}, before the last one, {self._last.seq}")
        if self._last is not None and mark.head.seq == self._last.seq and mark != self._last.mark:
            raise CheckpointRefused(self._folder, f"its event {mark.head.seq} is not the one signed before")
        new = sign(mark, at, signer)
        self._publish_key(signer.public)
        self._torn = True
        self._append(new)
        self._torn = False
        self._last = new
        return new

    def _compare(self, last: Checkpoint) -> None:
        if last.seq > self._opened.head.seq or last.size > self._opened.size:
            why = f"a signed checkpoint says that event {last.seq} was here; the record ends at {self._opened.head.seq}"
            raise JournalDamaged(self._path, why)
        if reader.head_at(self._folder, last.seq, files=self._files) != last.mark.head:
            raise JournalDamaged(self._path, f"event {last.seq} is not the one a checkpoint was signed for")

    def _follow(self) -> None:
        """Follow the chain, once, from the last checkpoint to where the record was opened; from there on it is ours."""
        head = self._last.mark.head if self._last else chain.ORIGIN
        try:
            for line in reader.read_lines(self._folder, head.seq, files=self._files):
                if head.seq >= self._opened.head.seq:
                    break
                head = chain.check(line + b"\n", head)
        except BrokenLine as error:
            raise CheckpointRefused(self._folder, f"{error}; see `quarterdeck audit verify`") from error
        if head != self._opened.head:
            raise CheckpointRefused(self._folder, f"event {head.seq} is not the one the record was opened with")
        self._followed = True

    def _publish_key(self, public: bytes) -> None:
        """Keep every key that ever signed here beside the notes; they are public."""
        known = read_keys(self._files, self._folder)
        if public not in known:
            text = b"".join(b64encode(key) + b"\n" for key in (*known, public))
            publish(self._files, self._folder / KEY_NAME, text)

    def _append(self, new: Checkpoint) -> None:
        handle = self._files.open_append(self._path)
        try:
            write_all(self._files, handle, f"{new.note}\n\n".encode())
            self._files.sync(handle)
        finally:
            self._files.close(handle)
        self._files.sync_dir(self._folder)


def read_keys(files: Files, folder: Path) -> tuple[bytes, ...]:
    """The public keys a record names as its signers; none before the first checkpoint."""
    if KEY_NAME not in files.names(folder):
        return ()
    return tuple(b64decode(line) for line in files.read(folder / KEY_NAME).splitlines())


def _parsed(text: bytes) -> Checkpoint | None:
    try:
        return parse(text.decode() + "\n")
    except ValueError:
        return None


def _key_id(public: bytes) -> bytes:
    return sha256(ORIGIN.encode() + b"\n" + _ED25519 + public).digest()[:4]
