"""How Codex is started: for one turn, with everything it must know on its command line but the key.

So it needs no file of ours in a HOME that may be a person's. Its key is in its environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from engine.agents.base import Brief
from engine.agents.environment import usual
from engine.agents.profiles import Profile

PROVIDER: Final = "quarterdeck"
DAY_MS: Final = 86_400_000
_WITHOUT: Final = ("plugins", "apps", "daemon_auto_start", "unbounded_connection_retries")
"""Features that ask others than the gateway, outlive an assignment, or wait for a network for ever."""


def arguments(brief: Brief) -> Sequence[str]:
    """One turn, its prompt on stdin."""
    return (
        *("exec", *(("resume",) if brief.session else ())),
        *("--json", "--skip-git-repo-check"),
        *(("-m", brief.model) if brief.model else ()),
        *(part for key, value in settings(brief).items() for part in ("-c", f"{key}={json.dumps(value)}")),
        *((brief.session,) if brief.session else ()),
        "-",
    )


def settings(brief: Brief) -> Mapping[str, object]:
    """Its settings; each value is TOML when it is written as JSON."""
    quiet = {"check_for_update_on_startup": False, "analytics.enabled": False, "feedback.enabled": False}
    off = {f"features.{name}": False for name in _WITHOUT}
    return {"approval_policy": "never", **_sandbox(brief), **_provider(brief), **quiet, **off}


def _sandbox(brief: Brief) -> Mapping[str, object]:
    """Its own sandbox only where it is in none of ours: they do not nest, and ours holds whatever it starts."""
    if brief.home != Path("/"):
        return {"sandbox_mode": "danger-full-access"}
    boxes = [str(brief.inbox), str(brief.outbox)]
    return {"sandbox_mode": "workspace-write", "sandbox_workspace_write.writable_roots": boxes}


def _provider(brief: Brief) -> Mapping[str, object]:
    """The gateway, with few tries of its own and all patience: a request may be held there for as long as a day."""
    base = brief.bases.get("openai")
    if not base:
        return {}
    at = f"model_providers.{PROVIDER}"
    key = {f"{at}.env_key": "OPENAI_API_KEY"} if brief.token else {f"{at}.requires_openai_auth": True}
    return key | {
        "model_provider": PROVIDER,
        f"{at}.name": "Quarterdeck",
        f"{at}.base_url": f"{base}/v1",
        f"{at}.wire_api": "responses",
        f"{at}.request_max_retries": 1,
        f"{at}.stream_max_retries": 1,
        f"{at}.stream_idle_timeout_ms": DAY_MS,
        f"{at}.supports_websockets": False,
    }


def environment(brief: Brief) -> Mapping[str, str]:
    """The key, where there is one."""
    return {name: value for name, value in usual(brief.bases, brief.token).items() if value}


PROFILE: Final = Profile(
    name="codex",
    title="Codex",
    program=("codex",),
    kind="openai",
    arguments=arguments,
    environment=environment,
)
