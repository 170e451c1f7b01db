"""When is `setup` to run again? When a file that pins dependencies changed, and in every fresh tree."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatch

LOCK_FILES = (
    *("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock*.toml", "requirements*.txt", "pyproject.toml"),
    *("setup.py", "setup.cfg", "conda-lock.yml", "environment*.yml"),
    *("package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock*"),
    *("Cargo.lock", "go.sum", "Gemfile.lock", "composer.lock", "mix.lock", "pubspec.lock", "flake.lock"),
    *("gradle.lockfile", "pom.xml", "build.gradle*", "Package.resolved", "packages.lock.json"),
)
"""Names, in any folder, of files whose content decides what a set-up tree holds."""


def setup_key(listing: bytes, commands: tuple[str, ...] = ()) -> str:
    """Hash the lock files named in a tree's listing (`git ls-tree -r -z`) together with the setup commands."""
    digest = hashlib.sha256("\0".join(commands).encode())
    for entry in sorted(listing.split(b"\0")):
        name = entry.rpartition(b"\t")[2].rpartition(b"/")[2].decode(errors="replace")
        if any(fnmatch(name, pattern) for pattern in LOCK_FILES):
            digest.update(b"\0" + entry)
    return digest.hexdigest()[:16]
