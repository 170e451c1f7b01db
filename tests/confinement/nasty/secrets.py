"""Every place in which a secret of the person or of the engine might be found, read through from inside.

World: `folders` (to be walked). A secret is a text that begins with MARK.
"""

from __future__ import annotations

import os
import stat
from functools import partial

MARK = b"-".join((b"planted", b"secret", b""))  # in one piece it would be found in this very program
OWN_CODE = os.path.dirname(os.path.abspath(__file__))
LARGEST = 1 << 20


def clean(data):
    """Refused when there is none."""
    if MARK not in data:
        raise OSError("no secret in it")


def content(path):
    """What can be read of a plain file, or of one in /proc, without ever waiting."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(handle, LARGEST) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(handle)


def walk(folder):
    """Every file below a folder; the first with a secret in it is enough."""
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if f"{at}/{name}" != OWN_CODE]
        if any(MARK in content(f"{at}/{name}") for name in names):
            return
    raise OSError("no secret in it")


def processes(name):
    """One file of every process that can be seen."""
    for pid in (entry for entry in os.listdir("/proc") if entry.isdigit()):
        if MARK in content(f"/proc/{pid}/{name}"):
            return
    raise OSError("no secret in it")


def descriptors():
    """What was inherited: nothing but input, outputs and what belongs to this program itself."""
    extra = [f"{name} is {linked(name)}" for name in os.listdir("/proc/self/fd") if int(name) > 2]
    extra = [text for text in extra if "/proc/" not in text and not text.split(" is ")[1].startswith(("pipe:", "?"))]
    if not extra:
        raise OSError("none")


def linked(name):
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        return "?"


def attempts(world):
    yield "environment", lambda: clean(b"\0".join(b"%s=%s" % pair for pair in os.environb.items()))
    for name in ("environ", "cmdline", "mountinfo", "comm"):
        yield f"{name} of every process", partial(processes, name)
    for folder in world["folders"]:
        yield f"files below {folder}", partial(walk, folder)
    yield "descriptors", descriptors
