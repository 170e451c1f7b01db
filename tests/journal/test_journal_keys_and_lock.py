from __future__ import annotations

import stat
import subprocess
import sys

import pytest
from support.aio import run
from support.records import fill

from engine.journal.errors import AlreadyHeld
from engine.journal.keys import BadKey, KeyRing, verify_signature
from engine.journal.lock import hold

HOLDER = """
import sys
from pathlib import Path
from engine.journal.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path):
    signer = KeyRing(tmp_path / "keys").signer("builder-1")
    assert list(tmp_path.iterdir()) == []
    signature = signer.sign(b"text")
    again = KeyRing(tmp_path / "keys").signer("builder-1")
    assert again.public == signer.public
    assert verify_signature(again.public, b"text", signature)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE(signer.path.stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["builder-1.pem"]


def test_names_have_keys_of_their_own(tmp_path):
    ring = KeyRing(tmp_path)
    assert ring.signer("a").public != ring.signer("b").public


def test_a_wrong_signature_is_refused(tmp_path):
    signer = KeyRing(tmp_path).signer("a")
    signature = signer.sign(b"text")
    assert not verify_signature(signer.public, b"texts", signature)
    assert not verify_signature(signer.public, b"text", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not verify_signature(signer.public, b"text", b"")
    assert not verify_signature(b"short", b"text", signature)


@pytest.mark.parametrize("name", ["", ".", "../x", "a/b", "-x", "x" * 200, "a\n"])
def test_a_name_is_a_file_name(tmp_path, name):
    with pytest.raises(BadKey):
        KeyRing(tmp_path).signer(name)


def test_a_key_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.pem").write_text("nothing")
    (tmp_path / "a.pem").chmod(0o600)
    with pytest.raises(BadKey, match="no private key"):
        KeyRing(tmp_path).signer("a").sign(b"")


def test_a_key_that_others_can_read_is_refused(tmp_path):
    KeyRing(tmp_path).signer("a").sign(b"")
    (tmp_path / "a.pem").chmod(0o644)
    with pytest.raises(BadKey, match="others may read"):
        KeyRing(tmp_path).signer("a").sign(b"")


def test_opening_and_appending_load_no_cryptography(tmp_path):
    code = (
        "import sys; import engine.journal.writer, engine.journal.verify, engine.journal.keys, engine.journal.lock;"
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_another_process_holds_the_lock(tmp_path, kind):
    path = tmp_path if kind == "folder" else tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyHeld) as refused:
            hold(path)
        assert refused.value.pid in {other.pid, None}
        if sys.platform == "linux":
            assert refused.value.pid == other.pid
        other.kill()
    hold(path).release()


def test_the_lock_is_ours_once(tmp_path):
    with hold(tmp_path), pytest.raises(AlreadyHeld):
        hold(tmp_path)
    lock = hold(tmp_path)
    lock.release()
    lock.release()
    with hold(tmp_path):
        run(fill(tmp_path / "journal", [1]))
