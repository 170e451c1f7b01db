"""Was this attempt merged already? The target itself says so, in the trailer of the commit.

That is what makes a merge happen once: an engine that died between advancing the target and recording it finds its own
commit there.
"""

from __future__ import annotations

from workspaces.git import Git

TRAILER = "Quarterdeck"


class Trailers:
    """Attempts found between a base and the target. Reads the log once, then only when somebody else moved it."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._read: tuple[str, str] | None = None  # base and tip that `_found` holds for
        self._found: dict[str, str] = {}

    async def find(self, base: str, tip: str, value: str) -> str | None:
        """The commit in `base..tip` whose trailer is `value` (RUN/TASK/ATTEMPT), if there is one."""
        if base == tip:
            return None
        if self._read != (base, tip):
            self._found = await self._log(base, tip)
            self._read = (base, tip)
        return self._found.get(value)

    def advanced(self, base: str, old: str, new: str, value: str) -> None:
        """Note a merge of our own, so that the log need not be read again for it."""
        if self._read == (base, old) or base == old:
            self._found = {value: new} if base == old else {**self._found, value: new}
            self._read = (base, new)

    async def _log(self, base: str, tip: str) -> dict[str, str]:
        shape = f"--format=%H %(trailers:key={TRAILER},valueonly,separator=%x20)"
        out = await self._git.run("log", "-z", "--no-show-signature", shape, f"{base}..{tip}", "--")
        found: dict[str, str] = {}
        for entry in out.decode(errors="replace").split("\0"):
            commit, *values = entry.split() or [""]
            found.update(dict.fromkeys(values, commit))
        return found
