"""Outboxes whose owner may do anything in them, and inboxes that deliver once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import pytest

from engine.journal.keys import KeyRing
from engine.messages import files, mailbox
from engine.messages.envelope import Message, Signer, decode, encode, new_id, sign, verify
from engine.messages.errors import MessageDamaged
from engine.messages.hostile import MOST_BYTES
from engine.messages.mailbox import Seen, collect, deliver, refuse, seen, take
from engine.messages.stillness import Stillness


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    box = tmp_path / "outbox"
    box.mkdir()
    return box


def only_refusal(outbox: Path) -> str:
    (found,) = collect(outbox)
    assert found.raw is None
    return found.refusal


def test_drafts_are_collected_by_name_and_nothing_else_is(outbox):
    for name in ("b.json", "a.json", "c"):
        (outbox / name).write_text(name)
    for name in ("result.json", ".tmp-1", "x.json~", ".a.json.swp", "#a.json#", "4913"):
        (outbox / name).write_text("not for us")
    (outbox / "refused").mkdir()
    assert [(found.path, found.raw) for found in collect(outbox)] == [
        (outbox / name, name.encode()) for name in ("a.json", "b.json", "c")
    ]


def test_an_outbox_that_is_gone_holds_nothing(tmp_path):
    assert collect(tmp_path / "none") == []


def test_an_outbox_that_is_a_link_is_not_followed(tmp_path, outbox):
    (outbox / "a.json").write_text("{}")
    (tmp_path / "link").symlink_to(outbox)
    with pytest.raises(OSError, match=r".+"):
        collect(tmp_path / "link")


def test_a_symbolic_link_is_refused_unread(tmp_path, outbox):
    (tmp_path / "secret").write_text("key")
    (outbox / "a.json").symlink_to(tmp_path / "secret")
    assert "symbolic link" in only_refusal(outbox)
    (outbox / "a.json").unlink()
    (outbox / "a.json").symlink_to("/nowhere")
    assert "symbolic link" in only_refusal(outbox)


def test_a_named_pipe_blocks_nobody(outbox):
    os.mkfifo(outbox / "a.json")
    assert "named pipe" in only_refusal(outbox)


def test_a_socket_a_folder_and_a_second_name_are_refused(tmp_path, outbox, monkeypatch):
    monkeypatch.chdir(outbox)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.json")
        assert "socket" in only_refusal(outbox)
    (outbox / "a.json").unlink()
    (outbox / "a.json").mkdir()
    assert "folder" in only_refusal(outbox)
    (outbox / "a.json").rmdir()
    (tmp_path / "secret").write_text("key")
    (outbox / "a.json").hardlink_to(tmp_path / "secret")
    assert "hard link" in only_refusal(outbox)


def test_size_is_limited_even_for_a_sparse_file_or_one_that_grows(outbox, monkeypatch):
    with (outbox / "a.json").open("wb") as file:
        file.truncate(MOST_BYTES)
        assert collect(outbox)[0].raw is not None
        file.truncate(10**12)
    assert "allowed" in only_refusal(outbox)
    monkeypatch.setattr(files, "_must_be_plain", lambda *_: None)  # as if it had grown after the check
    assert "allowed" in only_refusal(outbox)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_says_so(outbox):
    (outbox / "a.json").write_text("{}")
    (outbox / "a.json").chmod(0)
    assert "Permission denied" in only_refusal(outbox)


def test_a_flood_is_taken_in_pieces(outbox, monkeypatch):
    monkeypatch.setattr(mailbox, "MOST_DRAFTS", 10)
    for number in range(25):
        (outbox / f"{number:02}").write_text("x")
    sizes = []
    while batch := collect(outbox):
        sizes.append(len(batch))
        assert all(take(found) for found in batch)
    assert sizes == [10, 10, 5]


def test_taking_leaves_a_draft_that_was_put_in_its_place(outbox):
    (outbox / "a.json").write_text("one")
    (found,) = collect(outbox)
    (outbox / "new").write_text("two")
    (outbox / "new").rename(outbox / "a.json")
    assert not take(found)
    assert (outbox / "a.json").read_text() == "two"
    (found,) = collect(outbox)
    assert take(found)
    assert take(found), "taking what is gone is no error: an earlier engine took it"
    assert collect(outbox) == []


def test_a_refused_draft_is_kept_with_its_reason(outbox):
    for turn in range(3):
        (outbox / "a.json").write_text(str(turn))
        kept = refuse(outbox, outbox / "a.json", f"reason {turn} \udcff")
        assert kept.read_text() == str(turn)
        assert kept.with_name(f"{kept.name}.reason").read_text() == f"reason {turn} ?\n"
    assert sorted(path.name for path in (outbox / "refused").iterdir() if path.suffix != ".reason") == [
        "a.json",
        "a.json.2",
        "a.json.3",
    ]
    assert collect(outbox) == []


def test_whatever_was_collected_can_be_refused(tmp_path, outbox):
    (tmp_path / "secret").write_text("key")
    (outbox / "link").symlink_to(tmp_path / "secret")
    (outbox / "folder").mkdir()
    (outbox / "folder" / "inner").write_text("x")
    os.mkfifo(outbox / "pipe")
    (outbox / ("n" * 255)).write_text("x")
    (outbox / "\udcff\n.json").write_text("x")
    for found in collect(outbox):
        refuse(outbox, found.path, found.refusal or "no JSON")
    assert collect(outbox) == []
    assert (tmp_path / "secret").read_text() == "key"
    assert len([path for path in (outbox / "refused").iterdir() if path.name.endswith(".reason")]) == 5


@pytest.mark.parametrize("trap", ["link", "file"])
def test_a_refused_folder_that_is_a_trap_is_replaced(tmp_path, outbox, trap):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if trap == "link":
        (outbox / "refused").symlink_to(elsewhere)
    else:
        (outbox / "refused").write_text("x")
    (outbox / "a.json").write_text("{}")
    refuse(outbox, outbox / "a.json", "no")
    assert list(elsewhere.iterdir()) == []
    assert (outbox / "refused" / "a.json").read_text() == "{}"


def test_refusing_what_is_gone_says_so(outbox):
    with pytest.raises(FileNotFoundError):
        refuse(outbox, outbox / "a.json", "no")


def message(**fields: object) -> Message:
    defaults = {"id": new_id(1.0), "run": "r", "sender": "a", "to": "b", "kind": "note", "at": 1.5, "payload": {}}
    return Message(**(defaults | fields))


def test_an_inbox_gets_each_message_once_seen_or_not(tmp_path):
    inbox = tmp_path / "agents" / "b" / "inbox"
    one, two = message(id=new_id(1.0)), message(id=new_id(2.0))
    path = deliver(inbox, one)
    assert path.name == f"{one.id}.json"
    assert decode(path.read_bytes()) == one
    before = path.stat().st_ino
    deliver(inbox, one)
    assert path.stat().st_ino == before
    deliver(inbox, two)
    assert seen(inbox) == []
    (inbox / "seen").mkdir()
    path.rename(inbox / "seen" / path.name)
    (inbox / "seen" / "notes.txt").write_text("the agent's own")
    assert seen(inbox) == [one.id]
    deliver(inbox, one)
    assert [entry.name for entry in inbox.iterdir() if entry.is_file()] == [f"{two.id}.json"]


def test_an_inbox_that_is_a_link_gets_nothing(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "inbox").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r".+"):
        deliver(tmp_path / "inbox", message())
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "seen").symlink_to(tmp_path / "elsewhere")
    assert seen(tmp_path / "real") == []


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space"):
        deliver(tmp_path / "inbox", message())
    assert list((tmp_path / "inbox").iterdir()) == []


class TestEnvelope:
    @pytest.fixture
    def key(self, tmp_path: Path) -> Signer:
        return KeyRing(tmp_path / "keys").signer("builder-1")

    def test_a_signed_message_survives_the_way_through_a_file(self, key):
        signed = sign(message(payload={"text": "grüße", "n": [1, 2.5, None]}, cause=7), key)
        assert verify(decode(encode(signed)), key.public)
        assert encode(signed) == encode(decode(encode(signed)))

    @pytest.mark.parametrize(
        "change", [{"to": "c"}, {"sender": "c"}, {"at": 1.6}, {"payload": {"x": 1}}, {"cause": 1}, {"run": "s"}]
    )
    def test_any_change_shows(self, key, change):
        assert not verify(msgspec.structs.replace(sign(message(), key), **change), key.public)

    @pytest.mark.parametrize("signature", ["", "x", "é", "AAAA", "A" * 86 + "=="])
    def test_no_signature_is_no_signature(self, key, signature):
        assert not verify(message(signature=signature), key.public)
        assert not verify(message(signature=signature), b"short")

    def test_the_spelling_is_the_contracts(self):
        assert encode(message(id="01JD8Q6Y7Z8A9B0C1D2E3F4G5H")) == (
            b'{"at":1.5,"cause":null,"correlation":null,"from":"a","id":"01JD8Q6Y7Z8A9B0C1D2E3F4G5H","kind":"note",'
            b'"payload":{},"run":"r","signature":"","to":"b","v":1}'
        )

    @pytest.mark.parametrize("raw", [b"", b"{}", b'{"v":2}', encode(message())[:-1] + b',"x":1}', b"\xff"])
    def test_damaged_bytes_are_no_message(self, raw):
        with pytest.raises(MessageDamaged):
            decode(raw)

    def test_ids_sort_by_time(self):
        assert new_id(1.0) < new_id(2.0) < new_id(3.0)


class TestStillness:
    path = Path("/box/a.json")

    def test_a_file_is_still_half_a_second_after_its_last_change(self):
        stillness = Stillness()
        assert not stillness.still(self.path, 1, 1, 10.0)
        assert not stillness.still(self.path, 1, 1, 10.49)
        assert not stillness.still(self.path, 2, 1, 10.5), "it grew"
        assert not stillness.still(self.path, 2, 2, 10.9), "it was touched"
        assert stillness.wait(11.0) == pytest.approx(0.4)
        assert stillness.still(self.path, 2, 2, 11.4)

    def test_one_timer_is_enough_and_none_when_nothing_is_in_question(self):
        stillness = Stillness(after=1.0)
        assert stillness.wait(0.0) is None
        stillness.still(self.path, 1, 1, 0.0)
        stillness.still(self.path.with_name("b"), 1, 1, 0.5)
        assert stillness.wait(0.75) == pytest.approx(0.25)
        stillness.forget(self.path)
        assert stillness.wait(0.75) == pytest.approx(0.75)
        assert stillness.wait(9.0) == 0.0

    def test_files_that_went_away_are_forgotten_by_folder(self):
        stillness = Stillness()
        other = Path("/other/b")
        for path in (self.path, other):
            stillness.still(path, 1, 1, 0.0)
        stillness.keep(self.path.parent, [])
        assert stillness.still(other, 1, 1, 1.0)
        assert not stillness.still(self.path, 1, 1, 1.0)


def test_the_last_ids_are_remembered_and_no_more():
    ids = Seen(limit=3)
    assert [ids.add(name) for name in "abcab"] == [True, True, True, False, False]
    assert ids.add("d"), "c was the one not asked about for longest"
    assert ids.add("c")
    assert not ids.add("d")
