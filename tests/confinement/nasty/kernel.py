"""The few calls that Python has no words for."""

from __future__ import annotations

import ctypes
import os

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_REMOUNT, MS_PRIVATE, MNT_DETACH = 0x1000, 0x4000, 0x20, 1 << 18, 2
X86 = os.uname().machine == "x86_64"
NUMBERS = {  # of system calls: x86-64, and the common table that all younger machines use
    "add_key": (248, 217), "keyctl": (250, 219), "request_key": (249, 218), "perf_event_open": (298, 241), "bpf": (321, 280),
    "init_module": (175, 105), "kexec_load": (246, 104), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "prlimit64": (302, 261), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "pidfd_getfd": (438, 438), "pivot_root": (155, 41),
    "renameat2": (316, 276), "rt_sigqueueinfo": (129, 138), "syslog": (103, 116), "io_uring_setup": (425, 425),
    "mount_setattr": (442, 442), "fchmodat2": (452, 452), "ioprio_set": (251, 30), "shmget": (29, 194), "shmat": (30, 196),
}  # fmt: skip

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


def checked(result):
    """What a call returned, or its error."""
    if result is None or result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(name, *arguments):
    """A raw call by its name; byte strings are passed as pointers."""
    number = NUMBERS[name][0 if X86 else 1]
    libc.syscall.restype = ctypes.c_long
    return checked(libc.syscall(number, *(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments)))


def mount(source, target, kind, flags=0, data=None):
    """mount(2) with paths as text."""
    encoded = (None if one is None else os.fsencode(one) for one in (source, target, kind))
    checked(libc.mount(*encoded, ctypes.c_ulong(flags), data))


def umount(target, flags=0):
    """umount2(2)."""
    checked(libc.umount2(os.fsencode(target), flags))


def unshare(flags):
    """unshare(2)."""
    checked(libc.unshare(flags))


def as_root_of_a_new_namespace(more=0):
    """Every capability, in a user namespace of one's own; `more` namespaces belong to it."""
    user, group = os.getuid(), os.getgid()
    unshare(NEWUSER | more)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
