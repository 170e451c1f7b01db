"""What agents print, as they print it, for those who follow: the transcript is the truth, a follower a place in it.

The hand tells that a transcript grew; a follower reads the file from where it stands when its client has taken what
came before. So a slow one holds no text and delays nobody. One that is far behind goes on near the end and says how
many bytes it passed over. A transcript that reached its cap says so in its last line; what comes after is nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(eq=False, slots=True)
class Transcript:
    """What one agent prints at one step. `begins` where this assignment's output does; `later` is its next one."""

    agent: str
    task: str
    attempt: int
    kind: str
    path: Path
    begins: int = 0
    ended: bool = False
    later: Transcript | None = None

    @property
    def name(self) -> str:
        """What a client calls it."""
        return self.path.name


class Sayings:
    """The latest transcript of each agent, and who wants to hear: callables that are given the agent's name."""

    def __init__(self) -> None:
        self._latest: dict[str, Transcript] = {}
        self._ears: set[Callable[[str], None]] = set()

    def latest(self, agent: str) -> Transcript | None:
        """What the agent prints now, or printed last."""
        return self._latest.get(agent)

    def agents(self) -> Collection[str]:
        """Those who printed something."""
        return self._latest.keys()

    def growing(self, path: Path) -> bool:
        """Whether more may be written to this file."""
        return any(one.path == path and not one.ended for one in self._latest.values())

    def begin(self, transcript: Transcript) -> None:
        """An agent begins a step."""
        before = self._latest.get(transcript.agent)
        if before is not None:
            before.ended, before.later = True, transcript
        self._latest[transcript.agent] = transcript
        self.grew(transcript)

    def grew(self, transcript: Transcript) -> None:
        """It printed something, which is in the file."""
        for ear in self._ears:
            ear(transcript.agent)

    def end(self, transcript: Transcript) -> None:
        """It prints nothing more: the last line is one even if it was not ended."""
        transcript.ended = True
        self.grew(transcript)

    def listen(self, ear: Callable[[str], None]) -> None:
        """Have `ear` called whenever there is more of an agent."""
        self._ears.add(ear)

    def leave(self, ear: Callable[[str], None]) -> None:
        """Have it called no more."""
        self._ears.discard(ear)
