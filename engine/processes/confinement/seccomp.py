"""A filter of system calls, for the few ways past namespaces and Landlock that neither of them closes.

Both tiers: sockets of families that have no namespaces (a virtual machine's vsock reaches its host), io_uring (it makes
sockets without the call that is filtered), kernel keys, limits of other processes, and the system calls of
other architectures. Tier basic as well: sockets that are not TCP (socketpair stays), listening, connecting by sending,
and setuid bits on whatever file is in reach. It is no general filter.
"""

from __future__ import annotations

import ctypes
import errno
import os

from engine.processes.confinement import syscalls
from engine.processes.confinement.inside import Refused

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    Code = tuple[int, int, int, int]
    Flags = tuple[tuple[int, int], ...]


NUMBER, ARCH, FAMILY, KIND, PROTOCOL, FLAGS = 0, 4, 16, 24, 32, 40  # places in what a filter is shown; low words


class Machine:
    """What an architecture calls itself to a filter, and the numbers of its calls; some with the place of flags."""

    def __init__(self, audit: int, seccomp: int, *, socket: int, listen: int, keys: int) -> None:
        self.audit, self.seccomp, self.socket, self.listen = audit, seccomp, socket, listen
        self.keys = (keys, keys + 1, keys + 2)  # add_key, request_key, keyctl
        self.limits = 0  # prlimit64
        self.sends: Flags = ()
        self.modes: Flags = ()


def _intel() -> Machine:
    known = Machine(0xC000003E, 317, socket=41, listen=50, keys=248)
    known.limits = 302
    known.sends = ((44, FLAGS), (46, PROTOCOL), (307, FLAGS))  # sendto, sendmsg, sendmmsg
    known.modes = ((90, KIND), (91, KIND), (268, PROTOCOL), (452, PROTOCOL))  # chmod, fchmod, fchmodat, fchmodat2
    return known


def _generic(audit: int) -> Machine:
    known = Machine(audit, 277, socket=198, listen=201, keys=217)
    known.limits = 261
    known.sends = ((206, FLAGS), (211, PROTOCOL), (269, FLAGS))
    known.modes = ((52, KIND), (53, PROTOCOL), (452, PROTOCOL))
    return known


MACHINES = {"x86_64": _intel(), "aarch64": _generic(0xC00000B7), "riscv64": _generic(0xC00000F3)}
X32 = 0x40000000  # the second numbering of x86_64
IO_URING = (425, 426, 427)
SET_FILTER, GET_ACTION, SPEC_ALLOW = 1, 2, 4
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD, AND, EQUAL, AT_LEAST, HAS, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
STREAM, TYPE_MASK, TCP, FASTOPEN, SETUID = 1, 0xF, 6, 0x20000000, 0o6000


def available() -> bool:
    """Whether this kernel takes a filter, and we know its architecture's numbers."""
    machine = _machine()
    action = ERRNO.to_bytes(4, "little")
    return machine is not None and syscalls.syscall(machine.seccomp, GET_ACTION, 0, action) == 0


class Filter:
    """Made once, put in force by `install` in whom it is for; nothing where it is not `available`."""

    def __init__(self, *, basic: bool) -> None:
        machine = _machine()
        self.machine = machine if machine and available() else None
        codes = _codes(machine, basic=basic) if machine else []
        packed = b"".join(_pack(code) for code in codes)
        self._codes = ctypes.create_string_buffer(packed, len(packed) or 1)
        self._program = len(codes).to_bytes(8, "little") + ctypes.addressof(self._codes).to_bytes(8, "little")

    def install(self) -> None:
        """For us and all that we start; needs no_new_privs. Raises Refused."""
        if self.machine and syscalls.syscall(self.machine.seccomp, SET_FILTER, SPEC_ALLOW, self._program) < 0:
            raise Refused("filtering system calls", ctypes.get_errno())


def _machine() -> Machine | None:
    return MACHINES.get(os.uname().machine)


def _codes(machine: Machine, *, basic: bool) -> list[Code]:
    """First whose call it is, then which, then of a socket which kind."""
    refused = [code for number in (*IO_URING, *machine.keys) for code in _refuse_if(number, errno.ENOSYS)]
    return [
        (LOAD, 0, 0, ARCH),
        (EQUAL, 1, 0, machine.audit),
        _refuse(errno.ENOSYS),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32),
        _refuse(errno.ENOSYS),
        *refused,
        *_only_own(machine.limits),
        *(_no_back_doors(machine) if basic else ()),
        (EQUAL, 1, 0, machine.socket),
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, FAMILY),
        *(_tcp() if basic else _families()),
    ]


def _families() -> list[Code]:
    allowed = [code for family in (UNIX, INET, INET6, NETLINK) for code in _allow_if(family)]
    return [*allowed, _refuse(errno.EAFNOSUPPORT)]


def _tcp() -> list[Code]:
    """Netlink, and streams that are TCP: other protocols of that kind are none to Landlock."""
    return [
        *_allow_if(NETLINK),
        (EQUAL, 2, 0, INET),
        (EQUAL, 1, 0, INET6),
        _refuse(errno.EACCES),
        (LOAD, 0, 0, KIND),
        (AND, 0, 0, TYPE_MASK),
        (EQUAL, 1, 0, STREAM),
        _refuse(errno.EACCES),
        (LOAD, 0, 0, PROTOCOL),
        *_allow_if(0),
        *_allow_if(TCP),
        _refuse(errno.EACCES),
    ]


def _no_back_doors(machine: Machine) -> list[Code]:
    """A TCP connection that is made by sending is one that Landlock never hears of; nor does it of modes."""
    sends = [code for call in machine.sends for code in _without(call, FASTOPEN, errno.EOPNOTSUPP)]
    modes = [code for call in machine.modes for code in _without(call, SETUID, errno.EPERM)]
    return [*_refuse_if(machine.listen, errno.EACCES), *sends, *modes]


def _only_own(call: int) -> tuple[Code, ...]:
    """Its first argument is a process, and has to be 0, who calls: a limit of processor time is as good as a signal."""
    return (
        (EQUAL, 0, 4, call),
        (LOAD, 0, 0, FAMILY),
        (EQUAL, 1, 0, 0),
        _refuse(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    )


def _without(call: tuple[int, int], bits: int, number: int) -> tuple[Code, ...]:
    return (
        (EQUAL, 0, 4, call[0]),
        (LOAD, 0, 0, call[1]),
        (HAS, 0, 1, bits),
        _refuse(number),
        (RETURN, 0, 0, ALLOW),
    )


def _refuse_if(value: int, number: int) -> tuple[Code, Code]:
    return (EQUAL, 0, 1, value), _refuse(number)


def _allow_if(value: int) -> tuple[Code, Code]:
    return (EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW)


def _refuse(number: int) -> Code:
    return RETURN, 0, 0, ERRNO | number


def _pack(code: Code) -> bytes:
    operation, true, false, value = code
    return operation.to_bytes(2, "little") + bytes((true, false)) + value.to_bytes(4, "little")
