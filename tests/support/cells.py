"""A cell without the engine: a small keeper that puts a profile in force and runs one program in it.

`python -I -S -c ... ` as a real keeper is started, the cell on its standard input, one JSON line as the answer.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from engine.processes import wire
from engine.processes.confinement import cells
from engine.processes.confinement.profile import Profile
from engine.processes.confinement.tiers import HOLES, NAMES, Cell, Tier

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
BOOT = "import sys; sys.path.append(sys.argv[1]); import runpy; runpy.run_path(sys.argv[2], run_name='__main__')"
KEEPER = Path(__file__).with_name("small_keeper.py")


def tier(mechanism: str, **more) -> Tier:
    return Tier(name=NAMES[mechanism], mechanism=mechanism, holes=HOLES[mechanism], **more)


@dataclass
class Ran:
    code: int
    out: str
    refused: str = ""


@dataclass
class Place:
    """Folders for one cell below `root`, owned by whoever is going to run in it."""

    root: Path
    uid: int = field(default_factory=os.getuid)

    def __post_init__(self):
        self.home, self.tmp, self.clone = (self.folder(name) for name in ("home", "tmp", "clone"))
        self.at = self.folder("user")

    def folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, self.uid, self.uid)
        return path

    def file(self, path: Path, text: str = "text") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.chown(path, self.uid, self.uid)
        return path

    def profile(self, **more) -> Profile:
        known = {"home": self.home, "home_at": self.at, "tmp": self.tmp, "writable": (self.clone,), "port": 0}
        return Profile(**(known | more))
