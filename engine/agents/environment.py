"""An agent's environment, built from an allow-list: whatever is not named here does not reach it.

Pure over a given mapping. Keys and tokens of the person never pass: an agent reaches models through the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

ALLOWED = frozenset({
    "PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR",
    # locale(7), by name: ssh takes any LC_* along, so that people send other things in them
    "LC_ALL", "LC_ADDRESS", "LC_COLLATE", "LC_CTYPE", "LC_IDENTIFICATION", "LC_MEASUREMENT", "LC_MESSAGES",
    "LC_MONETARY", "LC_NAME", "LC_NUMERIC", "LC_PAPER", "LC_TELEPHONE", "LC_TIME",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",  # some interpreters do not start without
    "QUARTERDECK_SPEED",
    # where tools are: a folder or a version; not CARGO_HOME or GOPATH: credentials and sources
    "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYENV_ROOT", "PYENV_VERSION", "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN", "NVM_DIR", "FNM_DIR", "VOLTA_HOME", "BUN_INSTALL", "DENO_INSTALL", "ASDF_DIR", "ASDF_DATA_DIR",
    "MISE_DATA_DIR", "RBENV_ROOT", "NODENV_ROOT", "SDKMAN_DIR", "JAVA_HOME", "GOROOT", "DOTNET_ROOT", "HOMEBREW_PREFIX",
})  # fmt: skip
FIXED = {
    "TERM": "dumb",
    # Python trusts a .pyc whose source has the same size and second: two quick edits of one file, and a test run is
    # about code that is gone.
    "PYTHONDONTWRITEBYTECODE": "1",
}


def allowed_environment(source: Mapping[str, str], *, named: Collection[str] = ()) -> dict[str, str]:
    """What of `source` a program of the engine may see, plus the keys `named` by the person; also fit for gates."""
    passed = {name: value for name, value in source.items() if name in ALLOWED}
    return passed | {name: source[name] for name in named if name in source} | FIXED


def agent_environment(
    source: Mapping[str, str],
    *,
    task_file: Path,
    inbox: Path,
    outbox: Path,
    agent: str,
    attempt: int,
    named: Collection[str] = (),
) -> dict[str, str]:
    """The whole environment of one assignment of a command agent, as the contract names it."""
    return allowed_environment(source, named=named) | {
        "QUARTERDECK_TASK": str(task_file),
        "QUARTERDECK_INBOX": str(inbox),
        "QUARTERDECK_OUTBOX": str(outbox),
        "QUARTERDECK_AGENT": agent,
        "QUARTERDECK_ATTEMPT": str(attempt),
    }


def usual(bases: Mapping[str, str], token: str) -> dict[str, str]:
    """The gateway under the names that the vendors' programs and libraries look for; nothing where it has no address.

    Anthropic's takes its path from there, the others expect the version in it. Without a token the program goes by a
    log-in of its own, which a key would take the place of.
    """
    told: dict[str, str] = {}
    if anthropic := bases.get("anthropic"):
        told |= {"ANTHROPIC_BASE_URL": anthropic} | ({"ANTHROPIC_API_KEY": token} if token else {})
    if openai := bases.get("openai"):
        told |= {"OPENAI_BASE_URL": f"{openai}/v1", "OPENAI_API_BASE": f"{openai}/v1"}
        told |= {"OPENAI_API_KEY": token} if token else {}
    if gemini := bases.get("gemini"):
        told |= {"GOOGLE_GEMINI_BASE_URL": gemini} | ({"GEMINI_API_KEY": token} if token else {})
    return told
