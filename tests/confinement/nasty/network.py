"""Every way to be heard outside without asking the way out.

World: `tcp`, `tcp6`, `udp` (ports of the machine's loopback), `unix` (name to path of a listening socket), `abstract`
and `datagram` (names of abstract sockets), `own`, `vsock` (a port, 0: none). The outside counts what arrived.
"""

from __future__ import annotations

import os
import socket
import struct
from functools import partial

from kernel import NEWNET, NEWNS, as_root_of_a_new_namespace

HELLO = b"from inside"
IPPROTO_MPTCP, IPPROTO_SCTP, MSG_FASTOPEN, IPPROTO_UDPLITE, AF_VSOCK = 262, 132, 0x20000000, 136, 40
QUESTION = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\7example\3com\0\0\1\0\1"


def say(family, kind, protocol, address):
    with socket.socket(family, kind, protocol) as one:
        one.settimeout(2)
        one.connect(address)
        one.sendall(HELLO)


def without_waiting(address):
    """A connection that is begun and waited for, as libraries for many connections do it."""
    with socket.socket() as one:
        one.settimeout(0)
        number = one.connect_ex(address)
        one.settimeout(2)
        if number not in {0, 115}:
            raise OSError(number, os.strerror(number))
        one.sendall(HELLO)


def without_connect(address):
    """TCP that opens with its first bytes: there is no call to `connect` that could be refused."""
    with socket.socket() as one:
        one.sendto(HELLO, MSG_FASTOPEN, address)


def thrown(kind, protocol, address, data=HELLO):
    with socket.socket(socket.AF_INET, kind, protocol) as one:
        one.sendto(data, address)


def datagram(address):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.sendto(HELLO, address)


def by_a_sign(path, own):
    """Through a symbolic link of one's own."""
    sign = f"{own}/sign-{os.getpid()}"
    os.symlink(path, sign)
    say(socket.AF_UNIX, socket.SOCK_STREAM, 0, sign)


def by_a_short_name(path):
    """By its last name, from its folder."""
    folder, name = os.path.split(path)
    os.chdir(folder)
    say(socket.AF_UNIX, socket.SOCK_STREAM, 0, name)


def by_the_parents_root(path):
    say(socket.AF_UNIX, socket.SOCK_STREAM, 0, f"/proc/{os.getppid()}/root{path}")


def raw(address):
    """A datagram made by hand, header and all."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + 8 + len(HELLO), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as one:
        one.sendto(head + struct.pack(">HHHH", 9, address[1], 8 + len(HELLO), 0) + HELLO, address)


def after_new_namespaces(address):
    as_root_of_a_new_namespace(NEWNET | NEWNS)
    say(socket.AF_INET, socket.SOCK_STREAM, 0, address)


def attempts(world):
    stream, loopback = socket.SOCK_STREAM, "127.0.0.1"
    tcp, udp = (loopback, world["tcp"]), (loopback, world["udp"])
    yield "tcp", partial(say, socket.AF_INET, stream, 0, tcp)
    yield "tcp without waiting", partial(without_waiting, tcp)
    yield "tcp fast open", partial(without_connect, tcp)
    yield "multipath tcp", partial(say, socket.AF_INET, stream, IPPROTO_MPTCP, tcp)
    yield "tcp from new namespaces", partial(after_new_namespaces, tcp)
    if world["tcp6"]:
        yield "tcp to ::1", partial(say, socket.AF_INET6, stream, 0, ("::1", world["tcp6"]))
    yield "tcp to a mapped address", partial(say, socket.AF_INET6, stream, 0, ("::ffff:127.0.0.1", world["tcp"]))
    yield "udp", partial(thrown, socket.SOCK_DGRAM, 0, udp)
    yield "udp connected", partial(say, socket.AF_INET, socket.SOCK_DGRAM, 0, udp)
    yield "dns", partial(thrown, socket.SOCK_DGRAM, 0, udp, QUESTION)
    yield "raw", partial(raw, udp)
    yield "abstract", partial(say, socket.AF_UNIX, stream, 0, "\0" + world["abstract"])
    yield "abstract datagram", partial(datagram, "\0" + world["datagram"])
    if world["vsock"]:
        yield "vsock", partial(say, AF_VSOCK, stream, 0, (1, world["vsock"]))
    for name, path in world["unix"].items():
        yield f"unix {name}", partial(say, socket.AF_UNIX, stream, 0, path)
        yield f"unix {name} by a sign", partial(by_a_sign, path, world["own"])
        yield f"unix {name} by its short name", partial(by_a_short_name, path)
        yield f"unix {name} by the parent's root", partial(by_the_parents_root, path)
