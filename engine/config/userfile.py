"""Where the user's own settings are, and which environment variables they name as keys.

Light on purpose: the client that starts a run asks it what to hand over, and judges nothing. What is wrong with the
file is the engine's to say, and `load`'s.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

USER_FILE = "config.toml"
NAMED_BY = "QUARTERDECK_CONFIG"
_ENV = "env:"


def user_file(env: Mapping[str, str] | None = None) -> Path:
    """Where the user's own settings are: `QUARTERDECK_CONFIG`, else the configuration folder's `quarterdeck/`."""
    env = os.environ if env is None else env
    if named := env.get(NAMED_BY):
        return Path(named).expanduser()
    folder = env.get("XDG_CONFIG_HOME", "")
    base = Path(folder) if Path(folder).is_absolute() else Path.home() / ".config"  # a relative one is to be ignored
    return base / "quarterdeck" / USER_FILE


def named_keys(file: Path) -> frozenset[str]:
    """The variables that gateways of this file name as their keys; none where it can not be read."""
    keys = (table.get("key") for table in _gateways(file).values())
    return frozenset(key.removeprefix(_ENV) for key in keys if isinstance(key, str) and key.startswith(_ENV))


def gateway_kinds(file: Path) -> frozenset[str]:
    """The kinds of gateways that this file speaks of; none where it can not be read."""
    return frozenset(str(table.get("kind", name)) for name, table in _gateways(file).items())


def _gateways(file: Path) -> dict[str, dict[str, object]]:
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("gateway")
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: one for name, one in said.items() if isinstance(one, dict)} if isinstance(said, dict) else {}
