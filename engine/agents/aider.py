"""aider: it edits by itself what its model answers, and prints text.

It commits unless it is told not to, and keeps histories in the clone unless they are put elsewhere; its map of the
repository can not be put elsewhere, and is off. It ends with status 0 when its model refused: that is known by its last
line about the model alone. Its figures are rounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from engine.agents.base import Brief, Erred, Retries, Usage
from engine.agents.environment import usual
from engine.agents.money import dollars
from engine.agents.talking import TalkingAdapter
from engine.agents.text import Meaning, TextProfile, adapter
from engine.core.values import Tokens

DAY: Final = "86400"
"""Seconds that it waits for an answer: the gateway may hold a request for as long as a person is asked."""
_TOKENS: Final = re.compile(
    r"Tokens: (?P<sent>[\d.,]+k?) sent,(?: (?P<write>[\d.,]+k?) cache write,)?(?: (?P<hit>[\d.,]+k?) cache hit,)? "
    r"(?P<out>[\d.,]+k?) received\.(?: Cost: \$(?P<usd>[\d.]+) message)?"
)
_KNOWN: Final = re.compile(r"Tokens: |Retrying in |litellm\.|The API provider ")
_RETRY: Final = re.compile(r"Retrying in ([\d.]+) seconds")
_ERROR: Final = re.compile(r"litellm\.\w+(?:Error|Exception|Timeout)\b|The API provider\b")
_EDITS: Final = re.compile(r"(?:^\S+\n)?^(`{3,}).*\n<{5,} SEARCH\n(?:.*\n)*?>{5,} REPLACE\n\1$\n?", re.MULTILINE)
_ASIDE: Final = re.compile(
    r"Aider v|(?:Main m|M|Weak m|Editor m)odel: |Git repo: |Repo-map: |Added .+ to the chat|Applied edit to |"
    r"Detected dumb terminal|Analytics have been|HTTPSConnectionPool|https://aider\.chat/"
)


def arguments(brief: Brief) -> Sequence[str]:
    """One message, read from standard input; nothing is asked, sent, committed or left in the clone but the edits."""
    aside = brief.home
    return (
        *(("--model", f"openai/{brief.model}") if brief.model else ()),
        *("--edit-format", "diff", "--yes-always", "--no-auto-commits", "--no-dirty-commits", "--no-gitignore"),
        *("--no-check-update", "--analytics-disable", "--no-show-model-warnings", "--no-show-release-notes"),
        *(
            "--no-pretty",
            "--no-stream",
            "--no-suggest-shell-commands",
            "--no-detect-urls",
            "--timeout",
            DAY,
            "--map-tokens",
            "0",
        ),
        *("--chat-history-file", f"{aside}/.aider.chat.history.md"),
        *("--input-history-file", f"{aside}/.aider.input.history"),
        *("--message-file", "/dev/stdin"),
    )


def environment(brief: Brief) -> Mapping[str, str]:
    """The gateway; the library below looks up prices on the network unless it is told that it has them."""
    return {**usual(brief.bases, brief.token), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def reads(line: str) -> Meaning | None:
    """What a line tells of its model's requests."""
    if not _KNOWN.search(line):
        return None
    if found := _TOKENS.search(line):
        used = Tokens(
            input=_number(found["sent"]),
            output=_number(found["out"]),
            cache_read=_number(found["hit"]),
            cache_write=_number(found["write"]),
        )
        usd = dollars(float(found["usd"])) if found["usd"] and found["usd"].count(".") < 2 else "0"
        return Meaning((Usage(tokens=used, usd=usd, scope="call"),), good=True)
    if found := _RETRY.search(line):
        return Meaning((Retries(attempt=1, seconds=float(found[1].rstrip("."))),))
    if _ERROR.search(line):
        return Meaning((Erred(text=line),), good=False)
    return None


def message(text: str) -> str:
    """What its model said, without the edits in it."""
    return _EDITS.sub("", text).strip()


def _number(text: str | None) -> int:
    """`2.0k`, `1,234` or `19`."""
    digits = (text or "0").replace(",", "")
    scale = 1000 if digits.endswith("k") else 1
    try:
        return round(float(digits.removesuffix("k")) * scale)
    except ValueError:
        return 0


PROFILE: Final = TextProfile(
    name="aider",
    title="aider",
    program=("aider",),
    kind="openai",
    arguments=arguments,
    environment=environment,
    reads=reads,
    aside=lambda line: bool(_ASIDE.match(line)),
    message=message,
)


def aider() -> TalkingAdapter:
    """The adapter."""
    return adapter(PROFILE)
