"""What tools on PATH need of folders that programs do not see: their prefixes, to be shown read-only again.

HOME, the repository, /tmp and /run are hidden from programs, and much of what they are started with is installed in
HOME. A tool is found by its folder on PATH, by links and first lines (`#!`) of what lies there. What is named is as
narrow as the layout of the tool allows, and never a folder that is known to hold secrets. It looks and changes nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import engine

HIDDEN = tuple(Path(name) for name in ("/tmp", "/var/tmp", "/run"))  # noqa: S108  hidden from everybody
OWN_ROOTS = frozenset(
    {".pyenv", ".rbenv", ".nodenv", ".goenv", ".jenv", ".phpenv", ".tfenv", ".asdf", "mise", ".nvm", "fnm", ".fnm"}
    | {".volta", ".sdkman", ".rvm", ".gvm", ".ghcup", ".opam", ".elan", ".juliaup", ".linuxbrew", ".bun", ".deno"}
    | {"miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".dotnet", ".rustup", "node_modules"}
)
"""Folders that tools are installed in as a whole, shims and versions together; none of them holds secrets."""
MARKS = ("pyvenv.cfg", "conda-meta", "nvm.sh", "libexec/pyenv")
"""What such a folder is known by, whatever its name."""
PARTS = ("lib", "lib64", "libexec", "share", "include", "pkg", "gems", "specifications", "extensions", "node_modules")
"""What a tool's programs may need beside `bin`, in a folder that may hold more than the tool."""
WHOLE = ("lib", "lib64", "libexec", "release")
"""Beside `bin`, what makes a folder a tool's own and nothing else's."""
NEVER = (
    *(".local", ".local/share", ".local/state", ".config", ".cache", ".cargo", ".ssh", ".gnupg", ".aws", ".azure"),
    *(".kube", ".docker", ".claude", ".codex", ".gemini", ".password-store", ".local/share/keyrings", ".mozilla"),
)
"""Folders, of HOME, that secrets are kept in: what is or holds one is not shown, though something below it may be."""
LOCATED_BY = (
    *("VIRTUAL_ENV", "CONDA_PREFIX", "JAVA_HOME", "GOROOT", "PYENV_ROOT", "VOLTA_HOME", "BUN_INSTALL", "NVM_DIR"),
)
_SYSTEM = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/share/", "/lib/", "/lib64/")
"""The distribution's own: scripts there ask for nothing in HOME, and links that stay there lead nowhere else."""
_FIRST_LINE = 256


def prefixes(
    path: str, home: Path, masked: Sequence[Path], *, variables: Mapping[str, str] = MappingProxyType({})
) -> tuple[Path, ...]:
    """Folders and files, real and there, that have to be shown so that programs found on `path` (a PATH) work.

    `home` and `masked` are hidden, as /tmp and /run are; of a masked repository only environments are shown.
    `variables` may locate tools as well, see `LOCATED_BY` and RUSTUP_HOME. What our own interpreter needs, to play
    scripted agents, is among what is shown.
    """
    hidden = Hidden.of(home, masked)
    walk = _Walk(hidden, Path(variables.get("RUSTUP_HOME") or hidden.home / ".rustup"))
    for folder in _search(path):
        walk.folder(folder)
    for prefix in (sys.prefix, sys.base_prefix, *(variables[name] for name in LOCATED_BY if variables.get(name))):
        walk.prefix(Path(prefix))
    walk.show(Path(engine.__file__).parent / "agents" / "player.py")
    if any(place.name in {".asdf", "mise"} for place in walk.shown):
        walk.show(hidden.home / ".tool-versions")
    return _outermost(walk.shown)


def search_path(path: str, home: Path, masked: Sequence[Path]) -> str:
    """The same PATH for a program that does not see what is hidden: its folders there by their real paths.

    A link to a folder is not shown, only the folder itself.
    """
    hidden = Hidden.of(home, masked)
    return os.pathsep.join(_as_seen(entry, hidden) for entry in path.split(os.pathsep))


@dataclass(frozen=True, slots=True)
class Hidden:
    """What programs do not see, by real paths."""

    home: Path
    masked: tuple[Path, ...]
    trees: tuple[Path, ...]
    """Those of `masked` that are work trees; HOME may be one of dotfiles, and counts as HOME."""

    @classmethod
    def of(cls, home: Path, masked: Sequence[Path]) -> Hidden:
        """From paths as they are given."""
        real, places = _real(home), tuple(_real(place) for place in masked)
        return cls(real, places, tuple(place for place in places if place != real and (place / ".git").exists()))

    @property
    def places(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.home, *self.masked, *HIDDEN)

    def hides(self, path: Path) -> bool:
        """Whether a real path is not seen."""
        return f"{path}/".startswith(tuple(f"{place}/" for place in self.places))

    def place_of(self, path: Path) -> Path:
        """The innermost of the places that hide a path."""
        return max((place for place in self.places if path.is_relative_to(place)), key=lambda place: len(place.parts))

    def may_show(self, path: Path) -> bool:
        """Whether it holds no place that stays hidden, and no secrets that are known."""
        secret = (place / name for place in self.places for name in NEVER)
        return not any(place.is_relative_to(path) for place in (*self.places, *secret))

    def of_repository(self, path: Path) -> bool:
        """Whether it lies in a masked work tree, or is reached through one: by what came with the code."""
        real = _real(path)
        ways = (real,) if real == path else (real, *(_real(parent) for parent in path.parents))
        return any(way.is_relative_to(tree) for way in ways for tree in self.trees)


class _Walk:
    """From folders of programs to what those need; each folder is looked at once."""

    def __init__(self, hidden: Hidden, rustup: Path) -> None:
        self.shown: set[Path] = set()
        self._hidden, self._rustup = hidden, rustup
        self._seen: set[Path] = set()

    def folder(self, given: Path) -> None:
        """A folder that programs are looked for in."""
        real = _real(given)
        if real in self._seen or not os.access(real, os.R_OK | os.X_OK) or not real.is_dir():
            return  # what we may not enter nobody of ours finds a program in
        self._seen.add(real)
        if self._hidden.of_repository(given):
            self._environment(real)
            return
        if self._hidden.hides(real):
            self._around(real)
        for program in _leads(real):
            self._program(Path(program))

    def prefix(self, given: Path) -> None:
        """A folder that a tool is installed in."""
        real = _real(given)
        self.folder(real / "bin")
        if self._hidden.hides(real) and (root := self._root(real)) is not None:
            self.show(root)

    def show(self, path: Path) -> bool:
        """Show it, if it is there and may be; whether it will be seen."""
        real = _real(path)
        if not os.access(real, os.R_OK) or not self._hidden.may_show(real):
            return False
        if self._hidden.hides(real):
            self.shown.add(real)
        return True

    def _program(self, file: Path) -> None:
        """A file that a program of a folder leads to."""
        if not self._hidden.hides(file) or not file.is_file():
            return
        if self._root(file.parent) is not None or file.parent.name in {"bin", "sbin"}:
            self.folder(file.parent)
        if not any(file.is_relative_to(place) for place in self.shown) and not self._hidden.of_repository(file):
            self.show(file)

    def _around(self, folder: Path) -> None:
        root = self._root(folder)
        if root is not None and self.show(root):
            self._base(root)
        else:
            self._loose(folder)

    def _environment(self, folder: Path) -> None:
        """Of the repository, environments. What lies there came with the code, so no link of theirs is followed."""
        root = folder.parent
        if (root / "pyvenv.cfg").is_file() or (root / "conda-meta").is_dir():
            self.show(root)
            self._base(root)

    def _root(self, folder: Path) -> Path | None:
        """The outermost folder around it that is a tool's own as a whole."""
        place = self._hidden.place_of(folder)
        around = [one for one in (folder, *folder.parents) if one.is_relative_to(place) and one != place]
        found = (one for one in reversed(around) if one.name in OWN_ROOTS or _marked(one))
        return next((one for one in found if self._hidden.may_show(one)), None)

    def _base(self, root: Path) -> None:
        """The interpreter that a virtual environment was made from, if that is one."""
        for line in _text(root / "pyvenv.cfg").splitlines():
            key, _, value = line.partition("=")
            folder = Path(value.strip())
            if key.strip() == "home" and folder.name == "bin" and os.access(folder / "python3", os.X_OK):
                self.folder(folder)

    def _loose(self, folder: Path) -> None:
        """A folder of programs that belongs to nothing known."""
        prefix = folder.parent
        self.show(folder)
        if folder.name in {"bin", "sbin"} and prefix not in self._hidden.places and not (prefix / ".git").exists():
            whole = not prefix.name.startswith(".") and any((prefix / name).exists() for name in WHOLE)
            if not (whole and self.show(prefix)):
                for name in PARTS:
                    self.show(prefix / name)
        if (folder / "rustup").exists():
            self.show(self._rustup)


def _search(path: str) -> Iterator[Path]:
    yield from (Path(entry) for entry in path.split(os.pathsep) if entry.startswith("/"))


def _as_seen(entry: str, hidden: Hidden) -> str:
    if not entry.startswith("/"):
        return entry
    real = _real(Path(entry))
    return str(real) if hidden.hides(real) or hidden.hides(Path(os.path.normpath(entry))) else entry


def _leads(folder: Path) -> set[str]:
    """The real files that links and scripts of a folder lead to."""
    try:
        with os.scandir(folder) as entries:
            return {os.path.realpath(lead) for entry in entries if (lead := _lead(entry, f"{folder}/"))}
    except OSError:
        return set()


def _lead(entry: os.DirEntry[str], folder: str) -> str:
    """Where a link or a script leads; empty where that needs no look."""
    if not entry.is_symlink():
        return "" if folder in _SYSTEM else _interpreter(entry.path)
    stays = folder in _SYSTEM and os.path.normpath(Path(folder, Path(entry.path).readlink())).startswith(_SYSTEM)
    return "" if stays else entry.path


def _interpreter(file: str) -> str:
    """The program of a script's first line; empty where there is none."""
    try:
        with open(file, "rb") as opened:  # noqa: PTH123  a path as scandir gives it
            first = opened.read(_FIRST_LINE).partition(b"\n")[0]
    except OSError:
        return ""
    words = first[2:].split() if first.startswith(b"#!/") else []
    return os.fsdecode(words[0]) if words else ""


def _marked(folder: Path) -> bool:
    return any((folder / mark).exists() for mark in MARKS) or folder.parts[-2:] == ("uv", "python")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _outermost(paths: set[Path]) -> tuple[Path, ...]:
    return tuple(sorted(path for path in paths if not any(parent in paths for parent in path.parents)))
