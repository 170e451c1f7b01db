"""The vendors of models as settings know them: their addresses, the usual names of their keys, what tiers mean there.

A model that is named here has a price in the data of genai-prices, and is known to the vendor's own agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.gateway.llm.values import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One of them. `key` is the environment variable its own programs look for, `plan` where its subscriptions lead.

    `tables` are the names under which `[models.NAME]` may say what its tiers mean. `terms` are what it says about
    subscriptions in other hands, for people to read before they decide.
    """

    title: str
    url: str
    key: str
    tables: tuple[str, ...]
    models: Mapping[str, str]
    plan: str = ""
    terms: str = ""


def _tiers(small: str, standard: str, large: str) -> Mapping[str, str]:
    return MappingProxyType({"small": small, "standard": standard, "large": large})


VENDORS: Mapping[Kind, Vendor] = MappingProxyType({
    "anthropic": Vendor(
        title="Anthropic",
        url="https://api.anthropic.com",
        key="ANTHROPIC_API_KEY",
        tables=("anthropic", "claude"),
        models=_tiers("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"),
        plan="https://api.anthropic.com",
        terms=(
            "Anthropic (code.claude.com/docs/en/legal-and-compliance): a Claude subscription is for its holder's own, "
            "ordinary use of Claude Code; nobody may route requests through it for others"
        ),
    ),
    "openai": Vendor(
        title="OpenAI",
        url="https://api.openai.com",
        key="OPENAI_API_KEY",
        tables=("openai", "codex"),
        # the last whose requests declare their tools each by itself, which any compatible server understands
        models=_tiers("gpt-6-luna", "gpt-5.5", "gpt-6-astra"),
        plan="https://chatgpt.com/backend-api/codex",
        terms=(
            "OpenAI (openai.com/policies/terms-of-use): an account is its holder's own and is not shared; look there "
            "for what holds of programs that use a ChatGPT subscription"
        ),
    ),
    "gemini": Vendor(
        title="Google",
        url="https://generativelanguage.googleapis.com",
        key="GEMINI_API_KEY",
        tables=("gemini",),
        models=_tiers("gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-3.1-pro-preview"),
    ),
})  # fmt: skip
