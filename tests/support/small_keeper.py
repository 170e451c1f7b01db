"""The least that a keeper does: put a cell in force, run a program in it, and say how it ended."""

import os
import sys

from engine.processes import wire
from engine.processes.confinement import inside

INNER = """
import os, sys
sys.path.append(sys.argv[1])
from engine.processes.confinement import bubblewrap
listeners = bubblewrap.settle(%d, %d, %d)
os.dup2(1, 2)
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
while True:
    try:
        ended, how = os.waitpid(-1, 0)
    except ChildProcessError:
        os._exit(os.waitstatus_to_exitcode(status) & 255)
    if ended == pid:
        status = how
"""


def main():
    control = 3
    frame = b""
    unpacker = wire.Unpacker()
    frames = []
    while len(frames) < 2:
        frames += unpacker.feed(os.read(control, 1 << 20))
    spec = inside.parse(frames[0])
    argv = frames[1]
    try:
        return start(spec, argv)
    except inside.Refused as error:
        os.write(1, b"refused: %s" % str(error).encode())
        os._exit(99)


def start(spec, argv):
    if spec.mechanism == "namespaces":
        from engine.processes.confinement import namespaces

        pid, listeners = namespaces.enter(spec)
        if pid:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
        os._exit(run(argv, listeners))
    if spec.mechanism == "bubblewrap":
        from engine.processes.confinement import bubblewrap

        pid, heard = bubblewrap.start(spec, 3, INNER % (spec.port, spec.processes, spec.file_bytes), argv)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255
        if said := bubblewrap.complaint(heard):
            os.write(1, b"refused: %s" % said.encode())
            code = 99
        os._exit(code)
    if spec.mechanism == "landlock":
        from engine.processes.confinement import landlock

        ruleset = landlock.Ruleset(spec)
        os._exit(run(argv, (), ruleset.restrict))


def run(argv, listeners, before=None):
    if before:
        pid = os.fork()
        if not pid:
            before()
            os.execve(argv[0], argv, os.environ)
    else:
        pid = os.posix_spawn(argv[0], argv, os.environ)
    status = None
    while True:
        try:
            ended, how = os.waitpid(-1, 0)
        except ChildProcessError:
            return os.waitstatus_to_exitcode(status) & 255
        if ended == pid:
            status = how


main()
