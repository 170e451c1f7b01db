"""Every way to change a file that is not one's own, each on a victim of its own: PLACE/victims/WAY/{file,full/,empty/}.

World: `places` (name to folder), `own` (a folder that may be written). The outside compares the victims afterwards.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
import struct
from functools import partial

from kernel import checked, libc, syscall

AT_FDCWD, RENAME_EXCHANGE, O_TMPFILE = -100, 2, 0o20200000
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_NOATIME = 0x80086601, 0x40086602, 0x80


def put(path, flags=os.O_WRONLY, folder=None):
    handle = os.open(path, flags, 0o666, dir_fd=folder)
    os.write(handle, b"changed")
    os.close(handle)


def own_file(own):
    path = f"{own}/mine-{os.getpid()}"
    put(path, os.O_WRONLY | os.O_CREAT)
    return path


def create(at, own):
    put(f"{at}/new", os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def append(at, own):
    put(f"{at}/file", os.O_WRONLY | os.O_APPEND)


def overwrite(at, own):
    put(f"{at}/file", os.O_RDWR)


def truncate(at, own):
    os.truncate(f"{at}/file", 0)


def truncate_at_open(at, own):
    os.close(os.open(f"{at}/file", os.O_WRONLY | os.O_TRUNC))


def write_through_memory(at, own):
    handle = os.open(f"{at}/file", os.O_RDWR)
    with mmap.mmap(handle, 4) as memory:
        memory[:4] = b"XXXX"


def make_folder(at, own):
    os.mkdir(f"{at}/folder")


def remove_folder(at, own):
    os.rmdir(f"{at}/empty")


def unlink(at, own):
    os.unlink(f"{at}/file")


def rename_in(at, own):
    os.rename(own_file(own), f"{at}/came")


def rename_over(at, own):
    os.rename(own_file(own), f"{at}/file")


def rename_out(at, own):
    os.rename(f"{at}/file", f"{own}/gone-{os.getpid()}")


def rename_within(at, own):
    os.rename(f"{at}/file", f"{at}/other")


def exchange(at, own):
    syscall("renameat2", AT_FDCWD, os.fsencode(own_file(own)), AT_FDCWD, os.fsencode(f"{at}/file"), RENAME_EXCHANGE)


def link_in(at, own):
    os.link(own_file(own), f"{at}/linked")


def link_out(at, own):
    """A second name where one may write, for the same file."""
    name = f"{own}/theirs-{os.getpid()}"
    os.link(f"{at}/file", name)
    put(name)


def symlink(at, own):
    os.symlink("/etc/passwd", f"{at}/sign")


def hop_over_a_symlink(at, own):
    name = f"{own}/hop-{os.getpid()}"
    os.symlink(f"{at}/file", name)
    put(name)


def by_proc_root(at, own):
    put(f"/proc/self/root{at}/file")


def by_the_root_of_init(at, own):
    put(f"/proc/{1 if os.getppid() == 1 else os.getppid()}/root{at}/file")


def open_again(at, own):
    """A descriptor to read, opened again to write."""
    handle = os.open(f"{at}/file", os.O_RDONLY)
    put(f"/proc/self/fd/{handle}")


def from_a_path_descriptor(at, own):
    folder = os.open(at, os.O_PATH | os.O_DIRECTORY)
    put("file", os.O_WRONLY, folder)


def upwards(at, own):
    """Out of one's own folder by dots."""
    os.chdir(own)
    depth = own.count("/") + 3
    put("../" * depth + at.lstrip("/") + "/file")


def fifo(at, own):
    os.mkfifo(f"{at}/pipe")


def bind_a_socket(at, own):
    os.chdir(at)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("s")


def nameless_then_linked(at, own):
    handle = os.open(at, os.O_WRONLY | O_TMPFILE, 0o666)
    os.link(f"/proc/self/fd/{handle}", f"{at}/named", src_dir_fd=handle, follow_symlinks=True)  # linkat, which follows


def chmod(at, own):
    os.chmod(f"{at}/file", 0o777)


def chmod_by_descriptor(at, own):
    os.fchmod(os.open(f"{at}/file", os.O_RDONLY), 0o777)


def chmod_by_path_descriptor(at, own):
    os.chmod(f"/proc/self/fd/{os.open(f'{at}/file', os.O_PATH)}", 0o777)


def chmod_folder(at, own):
    os.chmod(f"{at}/full", 0)


def chown(at, own):
    os.chown(f"{at}/file", os.getuid(), os.getgid())


def utime(at, own):
    os.utime(f"{at}/file", (0, 0))


def set_attribute(at, own):
    os.setxattr(f"{at}/file", "user.x", b"1")


def set_flags(at, own):
    """chattr(1), which asks for nothing but a descriptor to read."""
    handle = os.open(f"{at}/file", os.O_RDONLY)
    (flags,) = struct.unpack("I", fcntl.ioctl(handle, FS_IOC_GETFLAGS, struct.pack("I", 0)))
    fcntl.ioctl(handle, FS_IOC_SETFLAGS, struct.pack("I", flags ^ FS_NOATIME))


def allocate(at, own):
    os.posix_fallocate(os.open(f"{at}/file", os.O_RDWR), 0, 9999)


def copy_range(at, own):
    source, target = os.open(own_file(own), os.O_RDONLY), os.open(f"{at}/file", os.O_WRONLY)
    os.copy_file_range(source, target, 4)


def delete_the_tree(at, own):
    checked(libc.system(f"rm -rf {at}/full/*".encode()))
    if os.listdir(f"{at}/full"):
        raise OSError("it is still there")


WAYS = {
    act.__name__: act
    for act in (
        create, append, overwrite, truncate, truncate_at_open, write_through_memory, make_folder, remove_folder, unlink,
        rename_in, rename_over, rename_out, rename_within, exchange, link_in, link_out, symlink, hop_over_a_symlink,
        by_proc_root, by_the_root_of_init, open_again, from_a_path_descriptor, upwards, fifo, bind_a_socket,
        nameless_then_linked, chmod, chmod_by_descriptor, chmod_by_path_descriptor, chmod_folder, chown, utime,
        set_attribute, set_flags, allocate, copy_range, delete_the_tree,
    )
}  # fmt: skip


def attempts(world):
    for place, folder in world["places"].items():
        for way, act in WAYS.items():
            yield f"{place}: {way}", partial(act, f"{folder}/victims/{way}", world["own"])
