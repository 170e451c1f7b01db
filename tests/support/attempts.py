"""Run inside a cell: `attempts.py CLONE FOLDER...` tries to change each folder, and prints what came of it as JSON."""
# ruff: noqa: PTH101, PTH102, PTH104, PTH108, PTH114, PTH118, PTH119, PTH123, PTH211  the calls are what is attempted

import errno
import json
import os
import sys


def attempts(clone, folder):
    target = os.path.join(folder, "file")
    own = os.path.join(clone, "own")
    with open(own, "w") as file:
        file.write("mine")
    hop = os.path.join(clone, "hop")
    if not os.path.islink(hop):
        os.symlink(folder, hop)
    return {
        "create": lambda: os.close(os.open(folder + "/new", os.O_CREAT | os.O_WRONLY)),
        "append": lambda: os.close(os.open(target, os.O_WRONLY | os.O_APPEND)),
        "truncate": lambda: os.truncate(target, 0),
        "open-truncate": lambda: os.close(os.open(target, os.O_WRONLY | os.O_TRUNC)),
        "unlink": lambda: os.unlink(target),
        "mkdir": lambda: os.mkdir(folder + "/folder"),
        "rename-in": lambda: os.rename(own, folder + "/renamed"),
        "rename-out": lambda: os.rename(target, clone + "/taken"),
        "link-in": lambda: os.link(own, folder + "/linked"),
        "link-out": lambda: os.link(target, clone + "/linked"),
        "symlink": lambda: os.symlink("/", folder + "/symlink"),
        "hop": lambda: os.close(os.open(hop + "/file", os.O_WRONLY)),
        "proc-root": lambda: os.close(os.open("/proc/self/root" + target, os.O_WRONLY)),
        "fifo": lambda: os.mkfifo(folder + "/fifo"),
        "chmod": lambda: os.chmod(target, 0o600),
        "utime": lambda: os.utime(target),
        "chown": lambda: os.chown(target, os.getuid(), os.getgid()),
        "setxattr": lambda: os.setxattr(target, "user.mine", b"1"),
    }


def outcome(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"


found = {}
for folder in sys.argv[2:]:
    for name, act in attempts(sys.argv[1], folder).items():
        found[f"{name} {os.path.basename(folder)}"] = outcome(act)
print(json.dumps(found))
