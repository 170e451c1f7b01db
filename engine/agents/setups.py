"""How programs are pointed at the gateway and kept from asking anybody else, whatever language they are spoken to in.

Names and files of the makers' own; pure functions of a brief. Where the gateway has no address nothing is set, and the
program goes by what it finds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.agents.base import Brief
from engine.agents.claude import profile as claude
from engine.agents.codex import profile as codex
from engine.agents.environment import usual

PROVIDER: Final = "quarterdeck"
"""What the gateway is called where a program wants a name for who offers a model."""
DAY_MS: Final = 86_400_000
"""The gateway may hold a request for as long as a person is asked."""
PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
MODEL: Final = "gpt-5.5"
"""What a program that must name a model to the gateway names, where the crew does not."""
CONTEXT, OUTPUT = 200_000, 32_000
"""Tokens of a model that a program does not know by name; it compacts by the first and asks at most for the second."""


def claude_environment(brief: Brief) -> Mapping[str, str]:
    """Claude Code below claude-agent-acp: as it is started by itself, and its model, which is no argument here."""
    model = {"ANTHROPIC_MODEL": brief.model} if brief.model else {}
    return {**claude.environment(brief), **model}


def codex_environment(brief: Brief) -> Mapping[str, str]:
    """Codex below codex-acp: as it is started by itself, with its settings as a variable."""
    config = {**codex.settings(brief), **({"model": brief.model} if brief.model else {})}
    return {**codex.environment(brief), "CODEX_CONFIG": json.dumps(_nested(config))}


def gemini_environment(brief: Brief) -> Mapping[str, str]:
    """Gemini CLI: it reads files of a folder that it does not know only when it is told that it may."""
    return {**usual(brief.bases, brief.token), "GEMINI_CLI_TRUST_WORKSPACE": "true"}


def gemini_home(_: Brief) -> Mapping[str, bytes]:
    """It logs in by its key, and tells nobody."""
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
    }
    return {".gemini/settings.json": _document(settings)}


def gemini_model(brief: Brief) -> Sequence[str]:
    """Its model."""
    return ("--model", brief.model) if brief.model else ()


def qwen_environment(brief: Brief) -> Mapping[str, str]:
    """Qwen Code. It would ask a proxy also for what is not to go by one: it is told of none where it needs none."""
    model = {"OPENAI_MODEL": brief.model} if brief.model else {}
    proxies = dict.fromkeys(PROXIES, "") if brief.bases.get("openai") else {}
    return {**usual(brief.bases, brief.token), **model, **proxies}


def qwen_home(_: Brief) -> Mapping[str, bytes]:
    """It logs in by its key, and tells nobody."""
    settings = {
        "security": {"auth": {"selectedType": "openai"}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"enableAutoUpdate": False, "disableAutoUpdate": True},
        "model": {"generationConfig": {"timeout": DAY_MS}},
    }
    return {".qwen/settings.json": _document(settings)}


def opencode_environment(brief: Brief) -> Mapping[str, str]:
    """opencode, whose whole configuration is a variable; asked for leave for what changes or runs something."""
    quiet = {
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    }
    return {**usual(brief.bases, brief.token), **quiet, "OPENCODE_CONFIG_CONTENT": json.dumps(_opencode(brief))}


def _opencode(brief: Brief) -> Mapping[str, Any]:
    config: dict[str, Any] = {
        "autoupdate": False,
        "share": "disabled",
        "permission": {"edit": "ask", "bash": "ask", "webfetch": "ask"},
    }
    base, model = brief.bases.get("openai"), brief.model or MODEL
    if not base:
        return config
    options = {"baseURL": f"{base}/v1", "apiKey": brief.token, "timeout": False}
    known = {"name": model, "limit": {"context": CONTEXT, "output": OUTPUT}}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {model: known}}
    chosen = f"{PROVIDER}/{model}"
    config |= {"provider": {PROVIDER: provider}, "enabled_providers": [PROVIDER]}
    return config | {"model": chosen, "small_model": chosen}


def pi_home(brief: Brief) -> Mapping[str, bytes]:
    """pi: the gateway as one of its providers, and all patience with it."""
    base, name = brief.bases.get("openai"), brief.model or MODEL
    if not base:
        return {}
    settings = {"retry": {"provider": {"timeoutMs": DAY_MS}}}
    model = {"id": name, "name": name, "contextWindow": CONTEXT, "maxTokens": OUTPUT}
    provider = {"baseUrl": f"{base}/v1", "api": "openai-completions", "apiKey": "OPENAI_API_KEY", "models": [model]}
    return {
        ".pi/agent/models.json": _document({"providers": {PROVIDER: provider}}),
        ".pi/agent/settings.json": _document(settings),
    }


def pi_environment(brief: Brief) -> Mapping[str, str]:
    """It looks for nothing by itself."""
    return {**usual(brief.bases, brief.token), "PI_OFFLINE": "1", "PI_SKIP_VERSION_CHECK": "1", "PI_TELEMETRY": "0"}


def pi_model(brief: Brief) -> Sequence[str]:
    """Its provider, where that is ours to say, and its model."""
    if brief.bases.get("openai"):
        return ("--provider", PROVIDER, "--model", brief.model or MODEL)
    return ("--model", brief.model) if brief.model else ()


def _document(settings: Mapping[str, Any]) -> bytes:
    return json.dumps(settings, indent=2).encode()


def _nested(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings by dotted names as tables in tables."""
    whole: dict[str, Any] = {}
    for name, value in settings.items():
        *tables, last = name.split(".")
        table = whole
        for part in tables:
            table = table.setdefault(part, {})
        table[last] = value
    return whole
