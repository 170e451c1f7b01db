"""What an honest tool does all day. In a good cell all of it comes through.

World: `own` (its working folder), `readable` (a file it is shown).
"""

from __future__ import annotations

import multiprocessing
import os
import pty
import socket
import subprocess
import sys
import tempfile
import threading
from functools import partial


def write_and_read(folder):
    name = f"{folder}/honest-{os.getpid()}"
    with open(name, "w+") as file:
        file.write("text")
    os.chmod(name, 0o755)
    os.rename(name, name + "2")
    os.unlink(name + "2")


def temporary():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"text")


def run_tools():
    subprocess.run(["sh", "-c", "ls / | sort | head -n 1 >/dev/null && printf x > /dev/null"], check=True)
    subprocess.run([sys.executable, "-c", "import json, ssl, sqlite3, ctypes"], check=True)


def use_git(folder):
    author = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    with tempfile.TemporaryDirectory(dir=folder) as here:
        subprocess.run(["git", "init", "-q", here], check=True)
        subprocess.run(["git", *author, "-C", here, "commit", "-q", "--allow-empty", "-m", "x"], check=True)


def talk_to_oneself():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as one:
        one.settimeout(2)
        one.connect(server.getsockname())
        server.accept()[0].close()


def own_socket(folder):
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as one:
        server.bind(f"honest-{os.getpid()}")
        server.listen()
        one.connect(f"honest-{os.getpid()}")
    os.unlink(f"honest-{os.getpid()}")


def share_a_lock():
    with multiprocessing.get_context("fork").Lock():
        pass


def terminal():
    pid, handle = pty.fork()
    if pid == 0:
        os.write(1, b"x")
        os._exit(0)
    if os.read(handle, 1) != b"x":
        raise OSError("nothing came through the terminal")


def threads():
    many = [threading.Thread(target=os.getpid) for _ in range(20)]
    for one in many:
        one.start()
    for one in many:
        one.join()


def signal_a_child():
    child = subprocess.Popen(["sleep", "100"])
    child.terminate()
    child.wait(5)


def look_around(file):
    with open(file, "rb") as shown:
        shown.read(1)
    for path in ("/usr/bin", "/etc/passwd", "/proc/self/status", "/dev/urandom"):
        os.stat(path)


def attempts(world):
    yield "write in the clone", partial(write_and_read, world["own"])
    yield "write at home", lambda: write_and_read(os.environ["HOME"])
    yield "write where TMPDIR says", temporary
    yield "run tools", run_tools
    yield "use git", partial(use_git, world["own"])
    yield "talk to itself by tcp", talk_to_oneself
    yield "talk to itself by a socket", partial(own_socket, world["own"])
    yield "share a lock", share_a_lock
    yield "open a terminal", terminal
    yield "start threads", threads
    yield "end its own child", signal_a_child
    yield "look around", partial(look_around, world["readable"])
