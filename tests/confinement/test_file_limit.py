"""What a limit on the length of files may not do to those who read ours afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORT = "import sys; sys.path[:0] = sys.argv[1:]; "
LIMITED = "from engine.processes.confinement.settling import limit_files; limit_files(64); import long; print(long.SUM)"


def test_a_module_imported_under_the_limit_is_whole_for_the_next_one(tmp_path):
    (tmp_path / "long.py").write_text("\n".join(f"n{i} = {i}" for i in range(100)) + "\nSUM = n99 + 1\n")
    for code in (LIMITED, "import long; print(long.SUM)"):
        argv = [sys.executable, "-I", "-c", IMPORT + code, str(tmp_path), str(ROOT)]
        assert subprocess.run(argv, capture_output=True, text=True, check=False).stdout == "100\n"
