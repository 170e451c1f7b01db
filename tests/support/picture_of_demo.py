"""Draws docs/dashboard.svg anew: a real demo at 120x36, in the middle of its run. `python tests/support/picture_of_demo.py`

What is drawn is what the palette's "picture" saves; nothing is staged but the moment.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from support.tmux import Tmux  # noqa: E402  found by the line above

WANTED = ROOT / "docs" / "dashboard.svg"
ENTRY = "import sys; from tui.cli import main; sys.exit(main())"


def in_the_middle(seen: str) -> bool:
    """Are several at work, with a part of the plan merged?"""
    merged = re.search(r"([3-5])/8 merged", seen)
    return merged is not None and seen.count("▶ working") >= 3 and "asks you" not in seen


def main() -> None:
    """Run the demo until then, have it draw itself, and end it."""
    with tempfile.TemporaryDirectory(prefix="qd-picture-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        places = {"XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config"}
        env = {variable: str(folder / place) for variable, place in places.items()}
        env |= {"PYTHONPATH": str(ROOT), "COLORTERM": "truecolor"}
        (folder / "run").mkdir(mode=0o700)
        here = folder / "here"
        here.mkdir()
        argv = [sys.executable, "-P", "-c", ENTRY]
        demo = [*argv, "demo", "--speed", "0.7", "--keep", str(folder / "todo")]
        with Tmux(demo, columns=120, rows=36, env=env, cwd=here) as tmux:
            tmux.wait("working", 60)
            tmux.wait(in_the_middle, 120)
            tmux.send("C-p")
            tmux.wait("palette", 10)
            tmux.type("picture")
            tmux.wait("save the screen", 10)
            tmux.send("Enter")
            tmux.wait("the screen is in", 10)
            tmux.send("C-c")
            tmux.wait_end()
            down = [*argv, "down", "--kill", "--repo", str(folder / "todo")]
            subprocess.run(down, env={"PATH": "/usr/bin:/bin", "HOME": name, **env}, check=True)
        WANTED.parent.mkdir(exist_ok=True)
        (drawn,) = here.glob("*.svg")
        shutil.copyfile(drawn, WANTED)
        print(drawn.with_suffix(".txt").read_text("utf-8"))


if __name__ == "__main__":
    main()
