"""Groups 1 to 8 once more as an ordinary user, where the suite is run by root: the same tests, by somebody who is none.

What that user needs is copied where he can read it: the sources, pytest, and an interpreter that he may execute.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
WHO: dict[str, object] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
PACKAGES = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments", "pytest_timeout")
SOURCES = ("engine", "workspaces", "tests/support", "tests/confinement")
YOUNG_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))"
FILES = ("attempts", "kill", "deaths", "pause")
OPTIONS = (
    "-c", os.devnull, "--import-mode=importlib", "-o", "markers=soak\nperf", "-p", "no:cacheprovider",
    "-p", "pytest_timeout", "-q", "-x", "-W", "error", "--timeout", "60",
)  # fmt: skip


def interpreter() -> str:
    """One that user may execute; the test is skipped where there is none."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            subprocess.run([python, "-c", YOUNG_ENOUGH], check=True, cwd="/", capture_output=True, **WHO)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip(f"no Python from 3.11 on can be executed by user {NOBODY}")


@pytest.fixture
def copy() -> Iterator[Path]:
    """Sources and libraries in a folder of that user's."""
    if os.getuid():
        pytest.skip("the suite is run by an ordinary user anyway")
    folder = Path(tempfile.mkdtemp(prefix="qdu-", dir="/tmp"))
    try:
        for source in SOURCES:
            shutil.copytree(ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
        for package in PACKAGES:
            found = importlib.util.find_spec(package)
            if found and found.submodule_search_locations:
                shutil.copytree(found.submodule_search_locations[0], folder / "site" / package)
            elif found and found.origin:
                shutil.copy(found.origin, folder / "site")
        (folder / "home").mkdir()
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder], check=True)
        yield folder
    finally:
        shutil.rmtree(folder)


def suite(folder: Path, *words: str) -> str:
    """Run tests as that user; what pytest said."""
    path = os.pathsep.join(str(folder / name) for name in ("site", "", "tests"))
    env = {"PATH": os.defpath, "HOME": str(folder / "home"), "LANG": "C.UTF-8", "PYTHONPATH": path}
    files = [f"tests/confinement/test_group_{name}.py" for name in FILES]
    argv = [interpreter(), "-m", "pytest", *OPTIONS, *files, *words]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=600, **WHO)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_for_an_ordinary_user_too_stop_means_stopped(copy):
    """In the mechanism that is in force for most; `-m soak` has all of it."""
    told = suite(
        copy, "-m", "not soak", "-k", "namespaces and not pause and not deaths and not written and not everybody"
    )
    assert " passed" in told


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_for_an_ordinary_user_everything_is_as_for_root(copy):
    told = suite(copy, "-m", "not soak")
    assert " passed" in told
