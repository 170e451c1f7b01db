"""What only an administrator may do, tried by whoever one is: mounts, masks, devices, settings of the kernel, keys.

World: `masked` (folders and files that are not to be seen, each with MARK below its real content), `key` (name of a key
in the session's keyring), `frozen` (a folder that is mounted read-only). Nothing here is ever tried outside namespaces
of its own: as root it would do what it says.
"""

from __future__ import annotations

import os
import struct
import time
from functools import partial

import kernel
from kernel import MNT_DETACH, MS_BIND, MS_REC, MS_REMOUNT, NEWNS, as_root_of_a_new_namespace, checked, libc, syscall
from reach import MARK, held, read

OPEN_TREE_CLONE, AT_FDCWD, AT_RECURSIVE = 1, -100, 0x8000
KEYCTL_SEARCH, KEYCTL_READ, SESSION_KEYRING, USER_KEYRING = 10, 11, -3, -4
LOOP_CTL_GET_FREE, TIOCSTI = 0x4C82, 0x5412
SETTINGS = (
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug", "/proc/sys/vm/drop_caches",
    "/proc/sys/kernel/sysrq", "/proc/sysrq-trigger", "/proc/sys/fs/binfmt_misc/register", "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/kernel/poweroff_cmd", "/proc/irq/default_smp_affinity", "/proc/mtrr",
    "/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run", "/sys/power/state", "/sys/kernel/debug/sched/features",
    "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs",
    "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/rdma/release_agent", "/sys/fs/cgroup/release_agent",
)  # fmt: skip
DEVICES = (
    "/dev/mem", "/dev/kmsg", "/dev/port", "/dev/fuse", "/dev/kvm", "/dev/loop-control", "/dev/net/tun", "/dev/vda", "/dev/sda",
    "/dev/nvme0n1", "/dev/console", "/dev/tty0", "/dev/tty1", "/dev/mapper/control", "/dev/uinput", "/dev/userfaultfd",
    "/dev/vsock", "/dev/hpet", "/dev/cpu/0/msr", "/dev/input/event0",
)  # fmt: skip
SECRETS = (
    "/proc/kcore",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/kmsg",
    "/proc/vmallocinfo",
    "/proc/slabinfo",
)


def opened(path, flags=os.O_WRONLY):
    os.close(os.open(path, flags))


def marked(folder):
    """Whether the mark can be read below a folder, or in a file."""
    if os.path.isfile(folder):
        return held(read(folder))
    for at, _, names in os.walk(folder):
        for name in names:
            if os.path.isfile(f"{at}/{name}") and MARK in read(f"{at}/{name}"):
                return None
    raise OSError("there is nothing of it")


def uncover(path, nested):
    """Take the cover off."""
    if nested:
        as_root_of_a_new_namespace(NEWNS)
    kernel.umount(path, MNT_DETACH)
    marked(path)


def look_below(path, nested):
    """Show the folder above a second time, without what is mounted in it."""
    if nested:
        as_root_of_a_new_namespace(NEWNS)
    at = os.path.dirname(path)
    kernel.mount("/", "/tmp", None, MS_BIND)
    marked(f"/tmp{at}")


def look_below_by_handle(path, nested):
    if nested:
        as_root_of_a_new_namespace(NEWNS)
    tree = syscall("open_tree", AT_FDCWD, b"/", OPEN_TREE_CLONE)
    marked(f"/proc/self/fd/{tree}{path}")


def move_away(path, nested):
    """Move the cover somewhere else."""
    if nested:
        as_root_of_a_new_namespace(NEWNS)
    kernel.mount(path, "/tmp", None, 0x2000)
    marked(path)


def overlay(path, nested):
    if nested:
        as_root_of_a_new_namespace(NEWNS)
    kernel.mount("overlay", "/tmp", "overlay", 0, f"lowerdir=/:{os.path.dirname(path)}".encode())
    marked(f"/tmp{path}")
    marked("/tmp")


def writable_again(path, nested):
    if nested:
        as_root_of_a_new_namespace(NEWNS)
    kernel.mount(None, path, None, MS_REMOUNT | MS_BIND)
    opened(f"{path}/file")


def writable_root_again(_, nested):
    if nested:
        as_root_of_a_new_namespace(NEWNS)
    kernel.mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_REC)
    os.mkdir("/quarterdeck-was-here")


def fresh_proc_then_settings():
    """A /proc of one's own, not covered: its settings are the machine's."""
    as_root_of_a_new_namespace(NEWNS | kernel.NEWPID)
    if pid := os.fork():
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
            raise OSError("refused inside")
        return
    try:
        kernel.mount("proc", "/tmp", "proc")
        opened("/tmp/sys/kernel/core_pattern")
    except OSError:
        os._exit(1)
    os._exit(0)


def climb_out(_):
    """The classic way out of a chroot."""
    here = os.open("/", os.O_RDONLY)
    os.makedirs("/tmp/jail", exist_ok=True)
    os.chroot("/tmp/jail")
    os.fchdir(here)
    os.chdir("../" * 30)
    os.chroot(".")


def by_inode_number(path):
    """A file by its number in the file system, past every path (it was called Shocker)."""
    handle = bytearray(struct.pack("Ii", 128, 0) + bytes(128))
    number = bytearray(4)
    array = (kernel.ctypes.c_char * len(handle)).from_buffer(handle)
    mount = (kernel.ctypes.c_char * 4).from_buffer(number)
    syscall("name_to_handle_at", AT_FDCWD, b"/etc/hostname", array, mount, 0)
    os.read(syscall("open_by_handle_at", os.open("/", os.O_RDONLY), array, os.O_RDONLY), 1)


def own_device():
    """The first disk, by a node of one's own."""
    os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0))
    opened("/tmp/disk", os.O_RDONLY)


def null_by_own_node():
    os.mknod("/dev/shm/null", 0o20666, os.makedev(1, 3))
    opened("/dev/shm/null")


def set_user_id_counts():
    """A program that makes whoever runs it root: here it must make nobody anything."""
    with open("/proc/self/status", encoding="ascii") as file:
        told = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    powers = {name: int(told[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    if told["NoNewPrivs"] == "1" and not any(powers.values()):
        raise OSError(f"no new privileges, and none there: {powers}")


def another_user():
    os.setgroups([])
    os.setresuid(1, 1, 1)


def listed_key(name):
    if name.encode() not in read("/proc/keys"):
        raise OSError("it is not in the list")


def read_a_key(name):
    number = syscall("keyctl", KEYCTL_SEARCH, SESSION_KEYRING, b"user", name.encode(), 0)
    room = kernel.ctypes.create_string_buffer(64)
    syscall("keyctl", KEYCTL_READ, number, room, 64, 0)
    held(room.raw)


def read_a_key_of_the_user(name):
    number = syscall("keyctl", KEYCTL_SEARCH, USER_KEYRING, b"user", name.encode(), 0)
    room = kernel.ctypes.create_string_buffer(64)
    syscall("keyctl", KEYCTL_READ, number, room, 64, 0)
    held(room.raw)


def type_into_the_terminal():
    """Characters as if a person had typed them."""
    import fcntl

    with open("/dev/tty", "rb+", 0) as terminal:
        fcntl.ioctl(terminal, TIOCSTI, b"\n")


def loop_device():
    import fcntl

    fcntl.ioctl(os.open("/dev/loop-control", os.O_RDWR), LOOP_CTL_GET_FREE)


def real_time():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def set_the_clock():
    time.clock_settime(time.CLOCK_REALTIME, time.time())


def attempts(world):
    for nested in (False, True):
        how = " from new namespaces" if nested else ""
        for name, path in world["masked"].items():
            for act in (uncover, look_below, look_below_by_handle, move_away, overlay):
                yield f"{act.__name__} {name}{how}", partial(act, path, nested)
        yield f"writable again{how}", partial(writable_again, world["frozen"], nested)
        yield f"writable root{how}", partial(writable_root_again, None, nested)
    for path in SETTINGS:
        yield f"set {path}", partial(opened, path)
    for path in DEVICES:
        yield f"open {path}", partial(opened, path, os.O_RDONLY)
    for path in SECRETS:
        yield f"read {path}", partial(some, path)
    plain = (
        own_device,
        null_by_own_node,
        set_user_id_counts,
        another_user,
        type_into_the_terminal,
        loop_device,
        real_time,
    )
    for act in (*plain, set_the_clock, fresh_proc_then_settings):
        yield act.__name__, act
    yield "climb out", partial(climb_out, None)
    yield "by inode number", partial(by_inode_number, None)
    yield "name of a key", partial(listed_key, world["key"])
    yield "key of the session", partial(read_a_key, world["key"])
    yield "key of the user", partial(read_a_key_of_the_user, world["key"])
    yield "name the machine", lambda: checked(libc.sethostname(b"quarterdeck", 11))
    yield "load a module", lambda: syscall("init_module", b"", 0, b"")
    yield "load a kernel", lambda: syscall("kexec_load", 0, 0, 0, 0)
    yield "read the kernel's log", lambda: syscall("syslog", 3, kernel.ctypes.create_string_buffer(64), 64)
    yield (
        "watch the kernel",
        lambda: syscall("perf_event_open", struct.pack("IIQ", 1, 128, 0) + bytes(112), -1, 0, -1, 0),
    )
    yield "load a program into the kernel", lambda: syscall("bpf", 0, struct.pack("IIII", 1, 4, 4, 1) + bytes(112), 128)
    yield "watch all files", lambda: syscall("fanotify_init", 4, 0)
    yield "account for processes", lambda: checked(libc.acct(None) or 0)


def some(path):
    """Refused if it is there and says nothing."""
    if not read(path).strip():
        raise OSError("it is empty")
