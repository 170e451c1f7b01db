"""The usage blocks of the four dialects, read without trust, as `Spend`.

A number that is none, or is negative, is taken as not said. Nothing here guesses: what a stream that broke has cost is
`estimated`, from what was seen of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from engine.gateway.llm.values import Spend

BYTES_PER_TOKEN = 1.5
"""The fewest that whole requests and answers had, of 25 kinds of content in five tokenizers (measured)."""
MOST_BYTES_PER_TOKEN = 16
"""No text of more than a few lines has more."""
MOST = 1 << 40
"""No number of tokens is larger; what is, is a mistake or a lie."""


def count(value: object) -> int | None:
    """A number of tokens, None where it is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST else None


def part(value: object, *names: str) -> object:
    """What lies below these names, None where something on the way is missing."""
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def number(value: object, *names: str) -> int:
    """The count below these names, 0 where there is none."""
    return count(part(value, *names)) or 0


def text(value: object, *names: str) -> str:
    """The text below these names, empty where there is none."""
    found = part(value, *names)
    return found if isinstance(found, str) else ""


def merged(old: Mapping[str, object], new: object) -> dict[str, object]:
    """A cumulative block over an earlier one: numbers replace numbers, and null erases nothing."""
    said = new if isinstance(new, Mapping) else {}
    return {**old, **{str(name): value for name, value in said.items() if value is not None}}


def anthropic(usage: Mapping[str, object], model: str) -> Spend:
    """Of a messages answer. `iterations` that are no part of the message (compaction, an advisor) are billed beside."""
    passes = usage.get("iterations")
    others = [one for one in passes if text(one, "type") != "message"] if isinstance(passes, list) else []
    blocks: list[object] = [usage, *others]
    fast = text(usage, "speed") == "fast"
    tiers = ["fast" if fast else text(usage, "service_tier"), "us" if text(usage, "inference_geo") == "us" else ""]
    return Spend(
        input=sum(number(block, "input_tokens") for block in blocks),
        output=sum(number(block, "output_tokens") for block in blocks),
        cache_read=sum(number(block, "cache_read_input_tokens") for block in blocks),
        cache_write=sum(_written(block) for block in blocks),
        long_write=sum(number(block, "cache_creation", "ephemeral_1h_input_tokens") for block in blocks),
        reasoning=number(usage, "output_tokens_details", "thinking_tokens"),
        searches=number(usage, "server_tool_use", "web_search_requests"),
        tier="+".join(tier for tier in tiers if tier),
        model=model,
    )


def _written(block: object) -> int:
    ages = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    by_age = sum(number(block, "cache_creation", age) for age in ages)
    return max(number(block, "cache_creation_input_tokens"), by_age)


def openai(usage: object, model: str, tier: str, searches: int) -> Spend:
    """Of chat completions and of responses, which name the same things differently. Cached tokens are part of input."""
    chat = part(usage, "prompt_tokens") is not None
    into, out = ("prompt_tokens", "completion_tokens") if chat else ("input_tokens", "output_tokens")
    total = number(usage, into)
    read = min(number(usage, f"{into}_details", "cached_tokens"), total)
    written = min(number(usage, f"{into}_details", "cache_write_tokens"), total - read)
    return Spend(
        input=total - read - written,
        output=number(usage, out),
        cache_read=read,
        cache_write=written,
        reasoning=number(usage, f"{out}_details", "reasoning_tokens"),
        searches=searches,
        tier=tier,
        model=model,
    )


def gemini(usage: object, model: str, tier: str, searches: int) -> Spend:
    """Thoughts are billed as output beside the candidates; what tools put in is billed as input beside the prompt."""
    prompt, thoughts = number(usage, "promptTokenCount"), number(usage, "thoughtsTokenCount")
    read = min(number(usage, "cachedContentTokenCount"), prompt)
    return Spend(
        input=prompt - read + number(usage, "toolUsePromptTokenCount"),
        output=number(usage, "candidatesTokenCount") + thoughts,
        cache_read=read,
        reasoning=thoughts,
        searches=searches,
        tier=tier,
        model=model,
    )


def credible(spend: Spend | None, seen: int) -> bool:
    """Whether such a count can be: something was read, and something was written where there is text."""
    if spend is None or spend.input + spend.cache_read + spend.cache_write == 0:
        return False
    return spend.output > 0 or seen == 0


def least(seen: int) -> int:
    """Tokens that so many bytes of output have at least, whatever is told."""
    return seen // MOST_BYTES_PER_TOKEN


def estimated(told: Spend | None, seen: int, held: Spend) -> Spend:
    """What a stream without a last word has cost: input as told or as held, output by the bytes that were seen.

    It is never more than was held, and the fewer the answer told, the nearer it comes to that.
    """
    if told is None:
        return held
    by_bytes = min(math.ceil(seen / BYTES_PER_TOKEN), held.output)
    return replace(told, output=max(told.output, by_bytes))
