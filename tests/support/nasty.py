"""Programs that do not want to end. Every process of a family inherits the oracle, a pipe that nobody else holds.

    python nasty.py KIND ORACLE [NUMBER] [--setsid] [--scrub] [--orphans] [--leave]

Once the family stands, `ready` is written to the oracle; its end-of-file then is the death of the last member.
"""

from __future__ import annotations

import argparse
import mmap
import os
import signal
import struct
import sys
import time

END = time.monotonic() + 300
"""When whoever was not killed ends by itself, so that a test that fails burdens nobody for ever."""


def goes_on():
    return time.monotonic() < END


def wait_forever():
    time.sleep(max(END - time.monotonic(), 0))
    os._exit(0)


def child(act):
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return pid


class Gate:
    """Lets a parent wait until so many members have said that they stand."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()

    def stand(self):
        os.write(self.write_end, b".")

    def wait(self, count):
        while count > 0:
            count -= len(os.read(self.read_end, count))


def ignore_term(options, gate):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def daemon(options, gate):
    def second():
        if options.scrub:
            code = f"import os,signal\nos.write({gate.write_end}, b'.')\nsignal.alarm(300)\nwhile True: signal.pause()"
            os.set_inheritable(gate.write_end, True)  # noqa: FBT003  takes no keyword
            os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code], {})
        gate.stand()
        wait_forever()

    def first():
        os.setsid()
        child(second)

    os.waitpid(child(first), 0)
    gate.wait(1)


def setsid_children(options, gate):
    def act():
        os.setsid()
        gate.stand()
        wait_forever()

    for _ in range(options.number):
        child(act)
    gate.wait(options.number)


def fork_tree(options, gate):
    """Halves of halves; with --orphans the inner nodes exit and leave the leaves to whoever takes them."""

    def grow(count):
        if count <= 1:
            gate.stand()
            wait_forever()
        child(lambda: grow(count // 2))
        child(lambda: grow(count - count // 2))
        if options.orphans:
            os._exit(0)
        wait_forever()

    child(lambda: grow(options.number))
    gate.wait(options.number)


def moving_target(options, gate):
    def move():
        gate.stand()
        while goes_on():
            if os.fork():
                os._exit(0)
            if options.setsid:
                os.setsid()
            time.sleep(0.001)

    for _ in range(options.number):
        child(move)
    gate.wait(options.number)


def hydra(options, gate):
    """Heads that all watch each other and grow again whoever is missing."""
    count = options.number
    table = mmap.mmap(-1, 4 * count)

    def head(place):
        os.setsid()
        struct.pack_into("i", table, 4 * place, os.getpid())
        gate.stand()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while goes_on():
            for other in range(count):
                (pid,) = struct.unpack_from("i", table, 4 * other)
                try:
                    os.kill(pid, 0)
                except ProcessLookupError:
                    if os.fork() == 0:
                        place = other
                        os.setsid()
                        struct.pack_into("i", table, 4 * place, os.getpid())
            time.sleep(0.002)

    for place in range(count):
        struct.pack_into("i", table, 4 * place, os.getpid())
        child(lambda place=place: head(place))
    gate.wait(count)


def stopped(options, gate):
    def act():
        gate.stand()
        os.kill(os.getpid(), signal.SIGSTOP)
        wait_forever()

    child(act)
    gate.wait(1)


def zombie_maker(options, gate):
    for _ in range(options.number):
        child(lambda: None)


def fork_bomb(options, gate):
    """Everybody forks until so many stand."""
    count = mmap.mmap(-1, 4)

    def burst():
        gate.stand()
        while goes_on():
            (so_far,) = struct.unpack_from("i", count)
            if so_far >= options.number:
                wait_forever()
            struct.pack_into("i", count, 0, so_far + 1)
            child(burst)

    child(burst)
    gate.wait(options.number // 2)


def spin(options, gate):
    def act():
        gate.stand()
        while goes_on():
            pass

    for _ in range(options.number):
        child(act)
    gate.wait(options.number)


def ticking(options, gate):
    """A line on the oracle every 10 ms."""

    def act():
        gate.stand()
        while goes_on():
            os.write(options.handle, b"tick\n")
            time.sleep(0.01)

    child(act)
    gate.wait(1)


KINDS = {
    "ignore-term": ignore_term,
    "daemon": daemon,
    "setsid-children": setsid_children,
    "fork-tree": fork_tree,
    "moving-target": moving_target,
    "hydra": hydra,
    "stopped": stopped,
    "zombie-maker": zombie_maker,
    "fork-bomb": fork_bomb,
    "spin": spin,
    "ticking": ticking,
}


def oddities():
    """The kinds of `oddities.py`, which lies beside this file."""
    sys.path.insert(0, os.path.dirname(__file__))  # noqa: PTH120
    import oddities as more

    return more.KINDS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("oracle")
    parser.add_argument("number", type=int, nargs="?", default=4)
    for flag in ("--setsid", "--scrub", "--orphans", "--leave"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args()
    options.handle = os.open(options.oracle, os.O_WRONLY)
    os.set_inheritable(options.handle, True)  # noqa: FBT003  as above
    act = KINDS.get(options.kind) or oddities()[options.kind]
    act(options, Gate())
    os.write(options.handle, b"ready\n")
    if options.leave:
        print("left", flush=True)
        os._exit(7)
    wait_forever()


if __name__ == "__main__":
    main()
