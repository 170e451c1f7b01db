"""The least that a keeper does: put a cell in force, run a program in it, and end as it ended (99: refused)."""

import os
import sys

from engine.processes import wire
from engine.processes.confinement import inside

REFUSED = 99
INNER = """
import os, sys
sys.path.append(sys.argv[1])
from engine.processes.confinement import bubblewrap
bubblewrap.settle(%s)
os.dup2(1, 2)
env = dict(item.split("=", 1) for item in sys.argv[2].split("\\n"))
pid = os.posix_spawn(sys.argv[3], sys.argv[3:], env)
while True:
    try:
        ended, how = os.waitpid(-1, 0)
    except ChildProcessError:
        os._exit(os.waitstatus_to_exitcode(status) & 255)
    if ended == pid:
        status = how
"""


def main():
    control = int(sys.argv[3])
    os.set_inheritable(control, False)  # noqa: FBT003  takes no keyword
    unpacker = wire.Unpacker()
    frames = []
    while len(frames) < 2:
        frames += unpacker.feed(os.read(control, 1 << 20))
    try:
        start(inside.parse(frames[0]), [os.fsdecode(word) for word in frames[1]], control)
    except inside.Refused as error:
        os.write(1, str(error).encode())
        os._exit(REFUSED)


def start(spec, argv, control):
    if spec.mechanism == "namespaces":
        from engine.processes.confinement import namespaces, syscalls

        if os.environ.pop("OLD_KERNEL", ""):
            syscalls.set_attributes = lambda *_, **__: False
        pid, _ = namespaces.enter(spec)
        os._exit(wait(pid) if pid else run(argv))
    if spec.mechanism == "bubblewrap":
        bubblewrap(spec, argv, control)
    if spec.mechanism == "landlock":
        from engine.processes.confinement import landlock

        ruleset = landlock.Ruleset(spec)
        os._exit(run(argv, ruleset.restrict))


def bubblewrap(spec, argv, control):
    from engine.processes.confinement import bubblewrap

    env = "\n".join(f"{name}={value}" for name, value in os.environ.items())
    settled = ", ".join(map(str, (spec.processes, spec.file_bytes, *spec.ports)))
    pid, heard = bubblewrap.start(spec, control, INNER % settled, [env, *argv])
    code = wait(pid)
    said = bubblewrap.complaint(heard)
    os.write(1, said.encode())
    os._exit(REFUSED if said else code)


def run(argv, before=None):
    pid = os.fork()
    if not pid:
        if before:
            before()
        os.execve(argv[0], argv, os.environ)
    return wait(pid)


def wait(pid):
    status = 0
    while True:
        try:
            ended, how = os.waitpid(-1, 0)
        except ChildProcessError:
            return os.waitstatus_to_exitcode(status) & 255
        if ended == pid:
            status = how


main()
