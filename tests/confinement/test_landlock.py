"""What tier basic promises: Landlock, and a filter of system calls for what Landlock does not hear of."""

from __future__ import annotations

import os
import signal
import socket

import pytest
from support.cells import USERS, need, place

from engine.processes.confinement import landlock
from engine.processes.confinement.inside import Refused, Spec

KNOWN_HOLES = {"chmod", "utime", "chown", "setxattr"}


@pytest.fixture(params=USERS)
def here(request):
    need("landlock", request.param)
    with place(request.param) as made:
        yield made


def python(here, script: str, *arguments: str, **more):
    return here.python("landlock", script, *arguments, **more)


def test_what_was_not_given_can_not_be_written_but_its_mode_can_be_changed_as_the_holes_say(here):
    here.file("outside/file")
    outcomes = here.attempts("landlock", here.outside)
    done = {name.split()[0] for name, outcome in outcomes.items() if outcome not in {"EACCES", "EXDEV"}}
    assert done <= KNOWN_HOLES
    assert (here.outside / "file").read_text() == "text"


def test_no_file_becomes_setuid(here):
    file = here.file("outside/file")
    ran = here.sh("landlock", f"chmod 4755 {file}; chmod g+s {file}; chmod 755 {file} && echo plain")
    assert ran.out.endswith("plain\n")
    assert ran.out.count("Operation not permitted") == 2
    assert file.stat().st_mode & 0o7777 == 0o755


def test_what_was_given_can_be_changed_and_renamed_across_folders(here):
    script = 'mkdir a b && echo c > a/file && mv a/file b/file && ln b/file a/file && echo h > "$HOME/file" && echo t > "$TMPDIR/file"'
    ran = here.sh("landlock", f"cd {here.clone} && {script}")
    assert (ran.code, ran.out) == (0, "")
    assert [(here.clone / "a/file").read_text(), (here.home / "file").read_text()] == ["c\n", "h\n"]


def test_masked_can_not_be_read_and_shown_in_masked_can(here):
    secret, shown = here.file("masked/secret", "told"), here.file("masked/shown/file", "shown")
    deep = here.file("masked/shown/deep/secret", "told")
    masked = secret.parent
    more = {"masked": (masked, deep.parent), "readable": (shown.parent,)}
    ran = here.sh(
        "landlock", f"cat {shown}; cat {secret} {deep} {here.at}/x /proc/self/root{secret}; ls {masked}", **more
    )
    assert ran.out.startswith("shown")
    assert "told" not in ran.out
    assert ran.code != 0


def test_what_every_program_needs_is_there(here):
    script = """
import os, ssl, sqlite3, subprocess
from multiprocessing import Lock
Lock(); open("/dev/null", "w").write("x"); open("/dev/urandom", "rb").read(8); open("/etc/passwd").read(); os.listdir("/proc/self/fd")
import socket; socket.socketpair()
print(subprocess.run(["/bin/sh", "-c", "echo $0; ls /usr/bin | head -c 1"], capture_output=True, text=True).stderr)
"""
    ran = python(here, script)
    assert (ran.code, ran.out) == (0, "\n")


def test_of_the_network_only_the_way_out_is_left(here):
    with socket.create_server(("127.0.0.1", 0)) as way, socket.create_server(("127.0.0.1", 0)) as other:
        script = """
import socket, sys
def attempt(name, act):
    try: act()
    except OSError: return
    print(name)
def tcp(port): socket.socket().connect(("127.0.0.1", port))
def fast(port): socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", port))
def bound():
    mine = socket.socket(); mine.bind(("127.0.0.1", 0))
way, other = map(int, sys.argv[1:])
attempt("way", lambda: tcp(way))
attempt("other", lambda: tcp(other))
attempt("fast", lambda: fast(other))
attempt("multipath", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect(("127.0.0.1", other)))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", other)))
attempt("udp6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("bind", bound)
attempt("listen", lambda: socket.socket().listen())
"""
        ports = [str(server.getsockname()[1]) for server in (way, other)]
        ran = python(here, script, *ports, port=int(ports[0]))
    assert ran.out == "way\n"


def test_without_a_way_out_there_is_none(here):
    with socket.create_server(("127.0.0.1", 0)) as other:
        ran = python(here, f"import socket; socket.create_connection(('127.0.0.1', {other.getsockname()[1]}))")
    assert "PermissionError" in ran.out


def test_nobody_outside_can_be_signalled_or_looked_into(here):
    child = os.fork()
    if not child:
        signal.pause()
    try:
        script = f"kill -0 {child} && echo signalled; kill -0 $PPID && echo signalled; cat /proc/{child}/environ /proc/$PPID/environ"
        ran = here.sh("landlock", script)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert "signalled" not in ran.out
    assert ran.out.count("Permission denied") >= 2


def test_no_rights_are_left(here):
    ran = here.sh("landlock", "grep -E 'CapEff|CapPrm|CapInh|NoNewPrivs' /proc/self/status")
    assert {line.split("\t")[1] for line in ran.out.splitlines()} == {"0" * 16, "1"}


def test_root_reads_no_secrets(here):
    ran = here.sh("landlock", "cat /etc/shadow /etc/sudoers; cat /root/.bashrc")
    assert "root:" not in ran.out


def test_what_is_to_be_writable_and_is_not_there_refuses(here):
    missing = here.root / "missing"
    ran = here.sh("landlock", "echo ran", writable=(missing,))
    assert str(missing) in ran.refused


def test_a_kernel_that_can_not_hold_tcp_is_not_enough(monkeypatch):
    monkeypatch.setattr(landlock, "version", lambda: 3)
    with pytest.raises(Refused, match="has Landlock ABI 3, and ABI 4 is the least"):
        landlock.Ruleset(Spec("landlock", 0, 0, b""))
    monkeypatch.setattr(landlock, "version", lambda: 0)
    with pytest.raises(Refused, match="has no Landlock"):
        landlock.Ruleset(Spec("landlock", 0, 0, b""))
