"""Secrets where people have them, and a program that looks for them everywhere it can: it must not find one.

Every secret holds one word, which the program puts together itself: its own text is no find. What it prints are places,
never a secret, but for its environment, which it prints as it is.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.engines import Place
from support.repos import git

VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "HTTPS_PROXY", "LC_TOKEN")
INHERITED = ("QUARTERDECK_TOKEN", "XDG_TOKEN", "PYTHON_TOKEN")
"""The engine takes these over from whoever starts it."""
HOME = (
    *(".netrc", ".git-credentials", ".npmrc", ".pypirc", ".bash_history", ".ssh/id_ed25519", ".aws/credentials"),
    *(".config/gh/hosts.yml", ".docker/config.json", ".kube/config", ".claude/.credentials.json", ".codex/auth.json"),
    *(".local/share/keyrings/login.keyring", ".cargo/credentials.toml", ".gnupg/private-keys-v1.d/key", ".notes"),
)
TOOLS = (".local/bin", ".cargo/bin")
"""Folders below HOME in which there is a tool: they are on PATH, beside secrets."""
KEYCTL_SEARCH, KEYCTL_READ, KEYCTL_UNLINK = 10, 11, 9
ADD_KEY, KEYCTL = 248, 250  # x86_64
SESSION, USER = -3, -4

SCAN = r'''
import ctypes, os, re, socket, stat, subprocess, sys

NEEDLE = "@NEEDLE@"[::-1].encode()
PLACE, SINCE, PORT = "@PLACE@", @SINCE@, @PORT@
FIXED = {"/proc", "/sys", "/usr", "/opt", "/lib", "/lib64", "/bin", "/sbin", "/dev", sys.prefix, sys.base_prefix}
seen = {"files": 0, "processes": 0}


def judge(where, data):
    if NEEDLE in data:
        print("FOUND", re.sub(re.escape(NEEDLE.decode()), "*", where), flush=True)


def read(path, most=4 << 20):
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        return os.read(file, most)
    except OSError:
        return b""
    finally:
        os.close(file)


def environment():
    own = b"\n".join(name + b"=" + value for name, value in os.environb.items())
    os.write(1, own + b"\n")
    judge("own environment", own)


def processes():
    own = {"self", str(os.getpid()), str(os.getppid())}
    for pid in sys.argv[2:] or filter(str.isdigit, os.listdir("/proc")):
        seen["processes"] += 1
        for name in ("environ", "cmdline", "comm", "mounts", "mountinfo"):
            judge(f"/proc/{pid}/{name}", read(f"/proc/{pid}/{name}"))
        try:
            numbers = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            numbers = []
        for number in numbers:
            at = f"/proc/{pid}/fd/{number}"
            try:
                target, kind = os.readlink(at), os.stat(at)
            except OSError:
                continue
            judge(at + " " + target, target.encode())
            if stat.S_ISREG(kind.st_mode) and kind.st_ctime >= SINCE:
                judge(at, read(at))
        for way in ("root", "cwd"):
            judge(f"/proc/{pid}/{way}", b"\n".join(files(f"/proc/{pid}/{way}{PLACE if way == 'root' else ''}")))
        if pid not in own:
            try:
                os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
            except OSError:
                continue
            if read(f"/proc/{pid}/environ") != read("/proc/self/environ"):
                print(f"FOUND the memory of {pid} open", read(f"/proc/{pid}/cmdline"), flush=True)


def files(top):
    """What new files below a folder hold."""
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in FIXED]
        for name in [*names, *folders]:
            path = os.path.join(folder, name)
            judge(path, os.fsencode(name))
            try:
                info = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(info.st_mode) and info.st_ctime >= SINCE:
                seen["files"] += 1
                data = read(path)
                judge(path, data)
                if NEEDLE in data:
                    yield data


def sockets():
    paths = ["\0qd-" + PLACE, PLACE + "/run/agent.sock"]
    for family, address in [(socket.AF_INET, ("127.0.0.1", PORT)), *((socket.AF_UNIX, path) for path in paths)]:
        try:
            with socket.socket(family) as client:
                client.settimeout(2)
                client.connect(address)
                judge(f"socket {address!r}", client.recv(1000))
        except OSError:
            pass


def keys():
    libc = ctypes.CDLL(None)
    judge("/proc/keys", read("/proc/keys"))
    for ring in (-3, -4, -5):
        key = libc.syscall(250, 10, ring, b"user", os.fsencode("qd-" + PLACE), 0)
        if key > 0:
            data = ctypes.create_string_buffer(1000)
            libc.syscall(250, 11, key, data, 1000)
            judge(f"keyring {ring}", data.raw)


def git():
    for words in (["config", "--list"], ["remote", "-v"], ["log", "--all", "-p"]):
        done = subprocess.run(["git", *words], capture_output=True, stdin=subprocess.DEVNULL)
        judge("git " + " ".join(words), done.stdout + done.stderr)


environment()
processes()
for _ in files(sys.argv[1] if sys.argv[1:] else "/"):
    pass
for top in ("/var/tmp", "/dev/shm"):
    for _ in files(top):
        pass
sockets()
keys()
git()
print("SCANNED", seen["files"], "new files,", seen["processes"], "processes", flush=True)
'''


class Planted:
    """Secrets in and around a place. `word` is in all of them; `variables` are for whoever starts the engine."""

    def __init__(self, place: Place) -> None:
        self.place, self.word = place, f"planted{secrets.token_hex(8)}"
        self.home = place.folder / "home"
        self.since = int(time.time()) - 1
        self.variables = {name: self.secret(name) for name in (*VARIABLES, *INHERITED)}
        self.variables["SSH_AUTH_SOCK"] = str(place.folder / "run" / "agent.sock")
        self.files: set[Path] = set()
        self.bystander = 0
        self.aside = [Path("/dev/shm") / f"qd-{place.folder.name}", Path("/var/tmp") / f"qd-{place.folder.name}"]

    def secret(self, name: str) -> str:
        """One, which says where it was."""
        return f"{self.word}-{name.strip('.').replace('/', '-')}"

    def plant(self, port: int) -> None:
        """Write all files; `port` is where one is served."""
        place = self.place
        for name in HOME:
            self._write(self.home / name, self.secret(name))
        for folder in TOOLS:
            tool = self.home / folder / f"planted-in-{folder.split('/')[0].strip('.')}"
            tool.parent.mkdir(parents=True)
            tool.write_text("#!/bin/sh\necho a tool\n")
            tool.chmod(0o755)
        folders = [place.folder / "run", place.folder / "state"]
        for path in (*self.aside, place.root / ".env", *(folder / "token" for folder in folders)):
            self._write(path, self.secret(path.name))
        git(place.root, "remote", "add", "origin", f"https://me:{self.secret('remote')}@127.0.0.1:1/x.git")
        git(place.root, "config", "http.extraHeader", f"Authorization: Bearer {self.secret('header')}")
        text = SCAN.replace("@NEEDLE@", self.word[::-1]).replace("@PLACE@", str(place.folder))
        place.commit(
            {"scan.py": text.replace("@SINCE@", str(self.since)).replace("@PORT@", str(port)), ".gitignore": ".env\n"}
        )

    def configure(self, more: str = "") -> None:
        """The user's own settings, with a key by a command, and one in a variable."""
        gateway = f'[gateway.anthropic]\nkey = "command:printf {self.secret("command")}"\n[gateway.openai]\nkey = "env:OPENAI_API_KEY"\n'
        self._write(self.home / "quarterdeck" / "config.toml", gateway + more)

    @property
    def path(self) -> str:
        """PATH, with the tools in HOME first."""
        return os.pathsep.join((*(str(self.home / folder) for folder in TOOLS), os.environ.get("PATH", os.defpath)))

    def files_with_one(self, *tops: Path) -> list[str]:
        """Files below these folders that hold a secret, but for the planted ones."""
        paths = {path for top in tops for path in top.rglob("*") if path.is_file() and not path.is_symlink()}
        return [str(path) for path in sorted(paths - self.files) if self.word.encode() in _read(path)]

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        path.chmod(0o600)
        self.files.add(path)


@contextmanager
def planted(place: Place) -> Iterator[Planted]:
    """Secrets in files, in variables of another program, in keyrings, and behind sockets; what lies outside of the place is gone at the end."""
    found = Planted(place)
    said = found.secret("socket").encode()
    listeners = [socket.create_server(("127.0.0.1", 0))]
    for address in ("\0qd-" + str(place.folder), str(place.folder / "run" / "agent.sock")):
        listeners.append(socket.socket(socket.AF_UNIX))
        listeners[-1].bind(address)
        listeners[-1].listen()
    threads = [threading.Thread(target=_serve, args=(listener, said)) for listener in listeners]
    keys = _keys(place, found.secret("key"))
    bystander = subprocess.Popen(["cat"], stdin=subprocess.PIPE, env=found.variables | {"PATH": os.defpath})
    found.bystander = bystander.pid
    try:
        for thread in threads:
            thread.start()
        found.plant(listeners[0].getsockname()[1])
        yield found
    finally:
        bystander.communicate()
        for path in found.aside:
            path.unlink(missing_ok=True)
        for ring, key in keys:
            ctypes.CDLL(None).syscall(KEYCTL, KEYCTL_UNLINK, key, ring)
        for listener in listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in threads:
            thread.join()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a program has just ended
        return b""


def _serve(listener: socket.socket, said: bytes) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.sendall(said)


def _keys(place: Place, said: str) -> list[tuple[int, int]]:
    """A key in the kernel's session keyring and one in the user's; none where there are no keyrings."""
    if os.uname().machine != "x86_64":
        return []
    libc, name = ctypes.CDLL(None), os.fsencode(f"qd-{place.folder}")
    made = [(ring, libc.syscall(ADD_KEY, b"user", name, said.encode(), len(said), ring)) for ring in (SESSION, USER)]
    return [(ring, key) for ring, key in made if key > 0]
