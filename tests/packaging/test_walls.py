"""The walls between the rooms, at run time: what a process has really loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys; print(chr(10).join(sorted(sys.modules)))"


def modules_after(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"{statement}\n{LOADED}"], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("module", ["engine.daemon", "engine.runtime.local", "engine.api.client", "workspaces.git"])
def test_the_engine_and_the_workspaces_never_load_a_screen(module: str) -> None:
    assert not roots(modules_after(f"import {module}")) & {"tui", "textual", "rich"}


def test_the_workspaces_never_load_the_engine() -> None:
    loaded = modules_after(
        "import workspaces.clones.clone, workspaces.clones.trees, workspaces.merge.advance, workspaces.watch.watcher"
    )
    assert not roots(loaded) & {"engine", "tui"}


def test_the_core_loads_no_other_part_of_the_engine() -> None:
    loaded = modules_after("import engine.core.decide, engine.core.evidence, engine.core.recovery")
    ours = {name for name in loaded if name.startswith(("engine.", "workspaces", "tui"))}
    assert all(name.startswith("engine.core") for name in ours)
    assert not loaded & {"asyncio", "subprocess", "socket", "pydantic"}


def test_a_keeper_loads_nothing_but_the_standard_library_and_itself() -> None:
    before = modules_after("pass")
    loaded = modules_after("import engine.processes.keeper_process") - before
    foreign = {name for name in roots(loaded) if name not in sys.stdlib_module_names and name != "engine"}
    assert not foreign
