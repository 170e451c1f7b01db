"""Real repositories in temporary folders, and a plain `Inside` to work in clones with."""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from workspaces.ports import Completed

IDENTITY = ("-c", "user.name=Pat", "-c", "user.email=pat@example.org", "-c", "maintenance.auto=false")


def clean_environment() -> dict[str, str]:
    """No configuration of this machine's user, no GIT_* of its shell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C"}


def git(folder: Path, *args: str, stdin: bytes = b"", check: bool = True) -> str:
    """What the person does by hand."""
    done = subprocess.run(
        ("git", *IDENTITY, "-C", str(folder), *args),
        input=stdin,
        capture_output=True,
        check=False,
        env=clean_environment(),
    )
    if check and done.returncode != 0:
        raise AssertionError(f"git {args}: {done.stderr.decode()}")
    return os.fsdecode(done.stdout).removesuffix("\n")


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Make, change or (None) delete files."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def save(folder: Path, files: Mapping[str, str | bytes | None], message: str = "change") -> str:
    """Commit exactly these files; give the commit."""
    write(folder, files)
    git(folder, "add", "-A", "--", *files)
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def make(folder: Path, files: Mapping[str, str | bytes | None] | None = None, *init: str) -> Path:
    """A repository on branch main with one commit, whose person has a name."""
    shutil.copytree(_empty(*init), folder, dirs_exist_ok=True)
    save(folder, files or {"a.txt": "one\ntwo\nthree\n", "src/b.py": "x = 1\n"}, "start")
    return folder


@functools.cache
def _empty(*init: str) -> Path:
    """A repository without commits, copied because `git init` is slow."""
    folder = Path(tempfile.mkdtemp(prefix="qd-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    git(folder, "init", "-q", "-b", "main", "--template=", *init)
    with (folder / ".git" / "config").open("a") as config:
        config.write("[user]\n\tname = Pat\n\temail = pat@example.org\n")
    return folder


def healthy(folder: Path) -> bool:
    """Nothing broken or missing; what nobody refers to any more is no damage."""
    git(folder, "fsck", "--strict", "--no-dangling")
    return True


class PlainInside:
    """Runs commands as they are, unconfined; counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 60.0,
        limit: int = 64 * 1024 * 1024,
    ) -> Completed:
        self.calls += 1
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env={"PATH": os.environ["PATH"], "HOME": str(cwd)} | dict(env or {}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin), timeout)
        assert len(out) <= limit
        return Completed(code=process.returncode or 0, out=out, err=err)
