"""Tier strong by our own hand: new user, pid, mount, network, ipc, uts and cgroup namespaces for a keeper's programs.

`enter` is called once, in a keeper that has one thread. It forks the first process of the new pid namespace, which
serves from then on; when that is killed the kernel kills everything in the namespace with it. If any step fails,
Refused is raised in the process that took it, and nothing may run.
"""

from __future__ import annotations

import os
import select

from engine.processes.confinement import covering, settling, syscalls
from engine.processes.confinement.inside import Refused, Spec

NEW = syscalls.NEWUSER | syscalls.NEWNS | syscalls.NEWPID | syscalls.NEWNET | syscalls.NEWIPC | syscalls.NEWUTS


def enter(spec: Spec) -> tuple[int, tuple[int, ...]]:
    """Make the namespaces and fork. The parent gets (pid of the first process inside, ()) and is in all of them but
    the pid namespace; that process gets (0, descriptors of sockets that listen on 127.0.0.1 inside), with everything
    mounted, limits in force, all rights dropped, and bound to die with its parent's thread. Raises Refused.
    """
    try:
        return _enter(spec)
    except OSError as error:
        raise Refused("making the sandbox", error.errno or 0, str(error.filename or "")) from error


def _enter(spec: Spec) -> tuple[int, tuple[int, ...]]:
    operations = spec.operations + covering.sockets(spec.operations)
    uid, gid = os.getuid(), os.getgid()
    syscalls.unshare(NEW, "making namespaces")
    _map(uid, gid)
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(ours)  # and `theirs` stays open for as long as we live: its end tells that we are gone
        syscalls.drop_rights()
        return pid, ()
    os.close(theirs)
    return 0, _settle(spec, operations, ours)


def _settle(spec: Spec, operations: list[covering.Op], parent: int) -> tuple[int, ...]:
    syscalls.die_with_parent()
    if _gone(parent):
        os._exit(1)
    os.close(parent)
    settling.join(spec.cgroup)
    syscalls.unshare(syscalls.NEWCGROUP, "making a cgroup namespace")
    # The limit is a file below /proc/sys, which the last mounts may make read-only.
    covering.Covering(operations, lambda: settling.limit_processes(spec.processes, by_namespace=True)).carry_out()
    settling.bring_loopback_up()
    sockets = settling.listeners(spec.ports)
    settling.limit_files(spec.file_bytes)
    settling.seal()
    return sockets


def _map(uid: int, gid: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        try:
            settling.write(f"/proc/self/{name}", text)
        except OSError as error:
            raise Refused(f"writing {name} of the new user namespace", error.errno or 0) from error


def _gone(parent: int) -> bool:
    poll = select.poll()
    poll.register(parent, 0)
    return bool(poll.poll(0))
