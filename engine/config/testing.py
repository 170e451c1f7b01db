"""How a repository's tests are run, as far as its files say.

It reads names and a few well-known files and runs nothing; each guess says what it rests on.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MAKE_TEST = re.compile(r"^test\s*:(?!=)", re.MULTILINE)
_NPM_DEFAULT = "no test specified"
_NODE = (  # lock file, package manager, what fills node_modules
    ("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"),
    ("yarn.lock", "yarn", "yarn install --frozen-lockfile"),
    ("package-lock.json", "npm", "npm ci"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A test command, what was seen that suggests it, and what a fresh tree needs first."""

    check: str
    saw: str
    setup: str = ""
    setup_network: tuple[str, ...] = ()


def guesses(root: Path, path: str) -> list[Guess]:
    """Every test command that the files at `root` suggest, best first; `path` is the PATH for `python` or `python3`."""
    finders: tuple[Callable[[Path, str], Iterator[Guess]], ...] = (_pytest, _node, _cargo, _go, _make)
    return [guess for finder in finders for guess in finder(root, path)]


def python(path: str) -> str:
    """The word that starts Python on a PATH; `python3` when there is neither."""
    return "python" if shutil.which("python", path=path) and not shutil.which("python3", path=path) else "python3"


def _pytest(root: Path, path: str) -> Iterator[Guess]:
    saw = _pytest_sign(root)
    if not saw:
        return
    if (root / "uv.lock").is_file() and shutil.which("uv", path=path):
        yield Guess(check="uv run pytest -q", saw=f"{saw}, uv.lock")
    else:
        yield Guess(check=f"{python(path)} -m pytest -q", saw=saw)


def _pytest_sign(root: Path) -> str:
    for name in ("pytest.ini", "conftest.py", "tests/conftest.py"):
        if (root / name).is_file():
            return name
    if "pytest" in _table(root / "pyproject.toml").get("tool", {}):
        return "[tool.pytest] in pyproject.toml"
    for name, section in (("tox.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]")):
        if section in _text(root / name):
            return f"{section} in {name}"
    for folder in ("tests", "test", "."):
        if test := next(iter(sorted((root / folder).glob("test_*.py"))), None):
            return test.relative_to(root).as_posix()
    return ""


def _node(root: Path, _path: str) -> Iterator[Guess]:
    try:
        script = json.loads(_text(root / "package.json") or "{}")["scripts"]["test"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if not isinstance(script, str) or _NPM_DEFAULT in script:
        return
    for lock, manager, setup in _NODE:
        if (root / lock).is_file():
            hosts = ("registry.npmjs.org:443",)
            saw = f'script "test" in package.json, {lock}'
            yield Guess(check=f"{manager} test", saw=saw, setup=setup, setup_network=hosts)
            return
    yield Guess(check="npm test", saw='script "test" in package.json')


def _cargo(root: Path, _path: str) -> Iterator[Guess]:
    if (root / "Cargo.toml").is_file():
        yield Guess(check="cargo test", saw="Cargo.toml")


def _go(root: Path, _path: str) -> Iterator[Guess]:
    if (root / "go.mod").is_file():
        yield Guess(check="go test ./...", saw="go.mod")


def _make(root: Path, _path: str) -> Iterator[Guess]:
    for name in ("GNUmakefile", "makefile", "Makefile"):
        if _MAKE_TEST.search(_text(root / name)):
            yield Guess(check="make test", saw=f"target test in {name}")
            return


def _text(path: Path) -> str:
    """A file's text, empty where it cannot be read: a guess needs no error."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except (ValueError, RecursionError):
        return {}
