"""What a start costs: CPU time of the whole process and its children, the least of several tries.

The budgets are the product's: 100 ms for `--version`, 200 ms for `status`. The machine may be busy, so the least of
many tries counts, and each is compared with that of a bare interpreter in the same run.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support import plays, repos
from support.stand_in import folders, record

ROOT = Path(__file__).resolve().parents[2]
CALL = "import sys; from tui.cli import main; sys.exit(main())"
TRIES = 15


def cpu(*argv, cwd):
    """Seconds of CPU, user and system, of the cheapest of several calls."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    costs = []
    for _ in range(TRIES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-P", "-c", *argv], cwd=cwd, env=environment, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(costs)


@pytest.mark.perf
@pytest.mark.parametrize(("words", "budget"), [(["--version"], 0.100), (["status"], 0.200)])
def test_a_start_is_within_its_budget(words, budget, tmp_path, monkeypatch):
    with folders(monkeypatch):
        repo = repos.make(tmp_path / "project").resolve()
        record(repo, plays.the_good_one().events)
        bare, cost = cpu("pass", cwd=repo), cpu(CALL, *words, cwd=repo)
    print(f"{words[0]}: {cost * 1000:.0f} ms of CPU (bare interpreter: {bare * 1000:.0f} ms)")
    assert cost <= budget
