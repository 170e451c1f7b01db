"""What can go wrong between a client and the engine, besides what the engine refuses (`CallRefused`)."""

from __future__ import annotations

from pathlib import Path


class ApiError(Exception):
    """Base of the errors of the client protocol."""


class NoEngine(ApiError):
    """Nothing listens at the socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"no engine runs here (nothing listens at {path})")


class WrongVersion(ApiError):
    """The engine that runs here is of another version than this client."""

    def __init__(self, reason: str, *, engine: str, pid: int) -> None:
        self.engine, self.pid = engine, pid
        super().__init__(reason)


class EngineGone(ApiError):
    """The engine died, ended, or hangs (`hung`). `reason` says which; the run can be resumed."""

    def __init__(self, reason: str, *, hung: bool = False) -> None:
        self.reason, self.hung = reason, hung
        super().__init__(f"{reason}; `quarterdeck run --resume` goes on with an unfinished run")


class BadFrame(ApiError):
    """The other side sent what is no frame of this protocol. `code` is a word for programs."""

    def __init__(self, reason: str, *, code: str = "frame") -> None:
        self.reason, self.code = reason, code
        super().__init__(reason)


class UnsafeSocket(ApiError):
    """The socket's folder is open to others."""

    def __init__(self, folder: Path, mode: int) -> None:
        self.folder, self.mode = folder, mode
        super().__init__(f"{folder} is open to others (mode {mode:o}); `chmod 700 {folder}`, then try again")
