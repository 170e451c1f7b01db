"""Git with our own rights, in the person's repository only.

It never runs in an agent's tree: whatever the agent left there (hooks, filters, fsmonitor, a forged `.git`) would run
as us. Options that could be switched off one by one cannot be enumerated; staying away can.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from workspaces import spawn
from workspaces.errors import GitFailed, GitMissing
from workspaces.ports import Completed

QUIET = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false")
"""Configuration that holds for every command, here and inside trees: nothing runs besides the command itself."""

PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between tries while the person's own git holds a lock."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without its GIT_* variables, which would aim git elsewhere; English messages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    fixed = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    return kept | fixed | dict(extra or {})


class Git:
    """Runs git in one repository. `started` counts the processes, which is what speed here is made of."""

    def __init__(self, root: Path, program: str = "git") -> None:
        self.root = root
        self.program = program
        self.started = 0
        options = [word for setting in QUIET for word in ("-c", setting)]
        self._prefix = (program, *options, "-C", str(root))

    async def run(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, ok: Collection[int] = (0,)
    ) -> bytes:
        """Give the standard output. Raises `GitFailed` when the exit status is not in `ok`."""
        done = await self.call(*args, stdin=stdin, env=env)
        if done.code not in ok:
            raise GitFailed(args, done.code, done.err.decode(errors="replace"))
        return done.out

    async def call(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Completed:
        """Run and give the exit status with both outputs, trying again for about a second while a lock is held."""
        for pause in PAUSES:
            done = await self._once(args, stdin, env)
            if done.code == 0 or not lock_held(done.err):
                return done
            await asyncio.sleep(pause)
        return await self._once(args, stdin, env)

    async def within(self, script: str, *args: str, words: Sequence[str], keep: Sequence[int]) -> Completed:
        """Run a shell script once: `args` are its first arguments, then come git with its options and `words`.

        It inherits the descriptors in `keep`. A cancelled wait is one to the end, as it must not be broken off.
        """
        self.started += 1
        argv = ("sh", "-c", script, "sh", *args, *self._prefix, *words)
        running = asyncio.ensure_future(spawn.run(argv, env=environment(), keep=keep))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    async def line(self, *args: str, ok: Collection[int] = (0,)) -> str:
        """Give the output as one line of text without its end."""
        return os.fsdecode(await self.run(*args, ok=ok)).removesuffix("\n")

    async def _once(self, args: tuple[str, ...], stdin: bytes, env: Mapping[str, str] | None) -> Completed:
        self.started += 1
        try:
            return await spawn.run((*self._prefix, *args), stdin=stdin, env=environment(env))
        except FileNotFoundError:
            raise GitMissing(self.program) from None


def lock_held(stderr: bytes) -> bool:
    """Tell whether git gave up because a lock file was there: another git of the person is at work, or has died."""
    return b".lock': File exists" in stderr
