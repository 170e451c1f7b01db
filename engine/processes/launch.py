"""Start a keeper process: with nothing of the engine's but one end of a socket.

Started from the loop's own thread: a child of a worker thread can be killed when that thread ends.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from engine.processes import tree
from engine.processes.errors import ProgramMissing
from engine.processes.greeting import ask_for_credentials

ROOT = Path(__file__).resolve().parents[2]
_BOOTSTRAP = "import sys; sys.path.append(sys.argv[1]); from engine.processes.keeper_process import main; main()"
_FLAGS = ("-I", "-S", *(("-B",) if sys.dont_write_bytecode else ()))
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # some interpreters do not start without
KEEPERS: set[int] = set()
"""The pids of all keepers of this process: its children that are nobody's orphans."""
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", *_LOADER)


def launch(name: str, nonce: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A keeper process and the engine's end of its control socket. Blocks for the fork, about a millisecond.

    It has `nonce` in its environment, and so has what it starts to make a sandbox. The engine becomes a subreaper as
    well, for the orphans of a keeper that somebody kills.
    """
    tree.become_subreaper()
    ours, theirs = socket.socketpair()
    with theirs:
        ours.settimeout(0)
        ask_for_credentials(ours)
        try:
            process = subprocess.Popen(
                [sys.executable, *_FLAGS, "-c", _BOOTSTRAP, str(ROOT), f"quarterdeck-keeper:{name}"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={tree.NONCE: nonce} | {key: os.environ[key] for key in _LOADER if key in os.environ},
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
    KEEPERS.add(process.pid)
    return process, ours


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """What a command gets of the engine's environment: where things are and which language, no secret."""
    return {key: value for key, value in environment.items() if key in _INHERITED or key.startswith("LC_")}


def locate(program: str, folder: Path, environment: Mapping[str, str]) -> Path:
    """The file that `program` means in `folder` and under the PATH it will see. Raises ProgramMissing."""
    if os.sep in program:
        path = folder / program
        if not path.exists():
            raise ProgramMissing(program, str(path.parent))
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise ProgramMissing(program, str(path.parent), "not an executable file")
        return path
    looked = environment.get("PATH", os.defpath)
    found = shutil.which(program, path=os.pathsep.join(str(folder / entry) for entry in looked.split(os.pathsep)))
    if found is None:
        raise ProgramMissing(program, f"PATH={looked}")
    return Path(found)
