"""A keeper process from its first instruction: it takes the control socket, reads its cell, and serves or watches.

Unconfined or confined without namespaces, it serves by itself. In a sandbox it only watches over the first process of
a pid namespace, which serves: when that one ends, it ends; when the engine is gone it kills that one, and the kernel
all that is inside. It reads one frame, the cell, and no byte more: all others are for who serves.

The first frame is `cell` with the fields of `confinement.cells.encode`. Where the cell cannot be put in force the
answer is `refused REASON`, and nothing is ever run.
"""

from __future__ import annotations

import _socket
import os
import resource
import select
import sys

from engine.processes import spawning, tree, wire
from engine.processes.confinement import inside
from engine.processes.serving import PATIENCE_MS, Keeper
from engine.processes.wakeups import deaths, drain

TYPE_CHECKING = False  # importing `typing` for it would cost more than this whole module
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence

    from engine.processes.confinement.inside import Spec
else:
    import _signal as signal  # the enums of `signal` would be a third of a start


BOOT_INSIDE = (
    "import sys; sys.path.append(sys.argv[1]); from engine.processes.keeper_process import main_inside; main_inside()"
)


def main() -> None:
    """Serve, or watch over who serves, to the end."""
    control = _taken()
    settle()
    try:
        _begin(control, inside.parse(_first(control)[1:]))
    except inside.Refused as error:
        refuse(control, error)
    except Exception as error:  # noqa: BLE001  there is nobody else to be told
        refuse(control, inside.Refused(f"{type(error).__name__}: {error}"))
    os._exit(0)


def _taken() -> _socket.socket:
    """Take the control socket from descriptor 0, and see that no program ever can."""
    control = _socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    for place in range(3):
        os.dup2(null, place, inheritable=True)
    os.close(null)
    return control


def settle() -> None:
    """What holds for whoever serves or watches: no files, no core, nobody else's signals."""
    os.chdir("/")
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in spawning.IGNORED:
        signal.signal(number, signal.SIG_IGN)


def refuse(control: _socket.socket, error: inside.Refused) -> None:
    """Tell why the cell is not in force."""
    try:
        control.send(wire.pack(b"refused", str(error).encode()))
    except OSError:
        pass  # nobody is left to be told


def _first(control: _socket.socket) -> list[bytes]:
    """The first frame and no more. The engine may be gone before it comes: then that is all there was to do."""
    length = int.from_bytes(_exactly(control, wire.LENGTH), "big")
    return _exactly(control, length).split(b"\0")


def _exactly(control: _socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = control.recv(count - len(data))
        if not part:
            os._exit(0)
        data += part
    return data


def _begin(control: _socket.socket, spec: Spec) -> None:
    control.settimeout(0)
    if spec.mechanism == "none":
        tree.become_unreadable()
        Keeper(control).serve()
    elif spec.mechanism == "namespaces":
        _in_namespaces(control, spec)
    elif spec.mechanism in ("landlock", "seatbelt"):
        tree.become_unreadable()
        Keeper(control, _by_itself(spec)).serve()
    elif spec.mechanism == "bubblewrap":
        _in_bubblewrap(control, spec)
    else:
        raise inside.Refused(f"this keeper knows no mechanism {spec.mechanism}")


def _in_namespaces(control: _socket.socket, spec: Spec) -> None:
    from engine.processes.confinement import namespaces  # noqa: PLC0415  who needs it not does not pay for it

    above = os.pidfd_open(os.getpid())
    child, listening = namespaces.enter(spec)
    if child:
        os.close(above)
        watch(control, child)
    else:
        serve_inside(control, above, listening)


def _in_bubblewrap(control: _socket.socket, spec: Spec) -> None:
    from engine.processes.confinement import bubblewrap  # noqa: PLC0415  as above

    arguments = (str(number) for number in (spec.processes, spec.file_bytes, *spec.ports))
    child, heard = bubblewrap.start(spec, control.fileno(), BOOT_INSIDE, arguments)
    watch(control, child, adopting=True)
    if said := bubblewrap.complaint(heard):
        refuse(control, inside.Refused(said))  # nobody listens to it who has been told `ready`


def main_inside() -> None:
    """Be what bubblewrap starts as the first process inside."""
    from engine.processes.confinement import bubblewrap, syscalls  # noqa: PLC0415  as above

    syscalls.die_with_parent()
    control = _taken()
    control.settimeout(0)
    try:
        serve_inside(control, -1, bubblewrap.settle(*map(int, sys.argv[2:])))
    except inside.Refused as error:
        refuse(control, error)
    except Exception as error:  # noqa: BLE001  as above
        refuse(control, inside.Refused(f"{type(error).__name__}: {error}"))
    os._exit(0)


def _by_itself(spec: Spec) -> Callable[[], None]:
    """What a new process does to confine itself before it becomes a program."""
    from engine.processes.confinement import landlock, seatbelt, settling  # noqa: PLC0415  as above

    ruleset = landlock.Ruleset(spec) if spec.mechanism == "landlock" else seatbelt.Sandbox(spec)

    def confine() -> None:
        settling.limit_files(spec.file_bytes)
        ruleset.restrict()

    return confine


def serve_inside(control: _socket.socket, above: int, listening: Sequence[int]) -> None:
    """Be the first process of a sandbox. `above` is readable when who watches over us is gone."""
    settle()
    processes = os.open(tree.PROC, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    Keeper(control, alone=True, above=above).serve((processes, *listening))


def watch(control: _socket.socket, child: int, *, adopting: bool = False) -> None:
    """Until `child` is gone, and with it whoever came to us as an orphan; the engine's end is its end.

    `adopting`: orphans can come, and are found in /proc; who made namespaces sees another /proc and gets none.
    """
    tree.become_subreaper()
    tree.become_unreadable()
    wakeup = deaths()
    poll = select.poll()
    poll.register(wakeup, select.POLLIN)
    poll.register(control.fileno(), 0)  # only whether it is hung up: what is said on it is for the child
    over = False
    while (ended := _reaped()) is not None:
        over = over or child in ended
        if over:
            for pid in tree.children(os.getpid()) if adopting else {child} - ended:
                _kill(pid)
        for descriptor, _ in poll.poll(PATIENCE_MS if over else None):
            if descriptor == wakeup:
                drain(wakeup)
            else:
                poll.unregister(descriptor)
                over = True


def _reaped() -> set[int] | None:
    """Who has died, from now on no process of ours; None once there is no child."""
    ended = set()
    try:
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            ended.add(pid)
    except ChildProcessError:
        return None
    return ended


def _kill(pid: int) -> None:
    """SIGKILL to a child. Nobody but us reaps it, so its number is nobody else's."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
