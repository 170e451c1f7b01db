"""The two ways in which a keeper starts a program: by one call of the system, or by a fork that confines itself first.

Either way the program leads a session of its own, has three descriptors and the default signals, and what goes wrong
before it runs comes back as an OSError. A program that could not be confined is not started (Refused).
"""

from __future__ import annotations

import os

from engine.processes.confinement.inside import Refused

TYPE_CHECKING = False  # a keeper's start is counted in milliseconds
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence

    Way = Callable[[bytes, list[bytes], dict[bytes, bytes], Sequence[int]], int]
    """Path, arguments, environment and the descriptors 0, 1, 2 to the pid of a new child. Raises OSError."""
else:
    import _signal as signal  # the enums of `signal` would be a third of a start

IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""What a keeper does not listen to."""
RESTORED = (*IGNORED, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)
FAILED = 127
_CONFINING, _RUNNING = b"C", b"R"


def plainly(path: bytes, argv: list[bytes], env: dict[bytes, bytes], handles: Sequence[int]) -> int:
    """Start a program with the rights of this process."""
    return os.posix_spawn(
        path,
        argv,
        env,
        file_actions=[(os.POSIX_SPAWN_DUP2, handle, place) for place, handle in enumerate(handles)],
        setsid=True,
        setsigmask=(),
        setsigdef=RESTORED,
    )


def confined(confine: Callable[[], None]) -> Way:
    """A way that calls `confine` in the new process before the program is there. It raises Refused if it fails."""

    def way(path: bytes, argv: list[bytes], env: dict[bytes, bytes], handles: Sequence[int]) -> int:
        return forked(lambda _: os.execve(path, argv, env), handles, confine)  # noqa: S606  no shell is wanted

    return way


def forked(act: Callable[[int], object], handles: Sequence[int], confine: Callable[[], None] | None) -> int:
    """A child that confines itself and then acts; comes back once it acts. Raises OSError, Refused.

    `act` gets a descriptor that it closes once nothing can go wrong any more, as an exec does: until then an OSError of
    it is raised here.
    """
    hearing, telling = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(act, handles, confine, telling)
    os.close(telling)
    with open(hearing, "rb") as said:  # noqa: PTH123  a descriptor
        told = said.read()
    if not told:
        return pid
    os.waitpid(pid, 0)
    if told[:1] == _CONFINING:
        raise Refused(told[1:].decode())
    raise OSError(int(told[1:]), os.strerror(int(told[1:])))


def _become(
    act: Callable[[int], object], handles: Sequence[int], confine: Callable[[], None] | None, telling: int
) -> None:
    """In the child: never returns, and does nothing unconfined."""
    phase = _CONFINING
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in RESTORED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for place, handle in enumerate(handles):
            os.dup2(handle, place)
        if confine is not None:
            confine()
        phase = _RUNNING
        act(telling)
        os._exit(0)
    except OSError as error:
        os.write(telling, phase + (b"%d" % (error.errno or 0) if phase == _RUNNING else str(error).encode()))
    except BaseException as error:  # noqa: BLE001  whatever it is, nothing is started
        os.write(telling, _CONFINING + str(error).encode())
    finally:
        os._exit(FAILED)
