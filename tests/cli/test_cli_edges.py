"""The command line as a process: what it imports, how it ends when interrupted, unread, shadowed or broken."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.stand_in import StandIn, record

from tui import cli

ROOT = Path(cli.__file__).parents[1]
CALL = "import sys; from tui.cli import main; sys.exit(main())"
HEAVY = ("textual", "rich", "pydantic", "asyncio", "watchfiles", "cryptography", "yaml", "ulid")


def start(*words, code=CALL, path=(), **options):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*path, str(ROOT)]), "PYTHONIOENCODING": "utf-8"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([sys.executable, "-P", "-c", code, *words], text=True, env=environment, **pipes)


def ended(process):
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def wait_for(word, process):
    for line in process.stdout:
        if word in line:
            return
    pytest.fail(f"it ended without {word}: {process.communicate()[1]}")


def imported(*words, cwd):
    code = f"import sys; from tui.cli import main; main(); print('|', *[m for m in {HEAVY} if m in sys.modules])"
    return ended(start(*words, code=code, cwd=cwd))[1].rpartition("|")[2].split()


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["status"], ["log"], ["kill", "--all"], ["approvals"]])
def test_a_light_command_loads_nothing_heavy(repo, good, words):
    record(repo, good.events)
    assert imported(*words, cwd=repo) == []


def test_the_version_costs_no_argparse(repo):
    code = "import sys; from tui.cli import main; main(); print('argparse' in sys.modules)"
    assert ended(start("--version", code=code))[1].splitlines()[-1] == "False"


def test_interrupted_once_the_run_is_stopped_and_told_to_its_end(repo, stuck):
    with StandIn(repo, stuck) as stand_in:
        stand_in.do(lambda e: setattr(e, "last", "attempt_started"))
        process = start("run", "x", cwd=repo)
        wait_for("working", process)
        process.send_signal(signal.SIGINT)
        code, out, err = ended(process)
    assert code == 130
    assert "■ STOPPED" in out
    assert "quarterdeck run --resume" in out
    assert "Ctrl-C again" in err
    assert "Traceback" not in err


def test_an_output_nobody_reads_ends_quietly(repo, good):
    record(repo, good.events)
    read, write = os.pipe()
    os.close(read)
    process = start("log", cwd=repo, stdout=write)
    os.close(write)
    assert ended(process) == (cli.PIPE, None, "")


def test_an_engine_that_dies_ends_the_run_with_its_name(repo, good):
    with StandIn(repo, good) as stand_in:
        stand_in.do(lambda e: setattr(e, "last", "attempt_started"))
        process = start("run", "x", cwd=repo)
        wait_for("planning", process)
    code, _, err = ended(process)
    assert code == 1
    assert err.startswith("quarterdeck: the run was not followed to its end: ")


def test_a_foreign_package_of_our_name_is_named(repo, tmp_path):
    decoy = tmp_path / "decoy" / "engine"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise SystemExit('the decoy ran')\n")
    code, out, err = ended(start("status", cwd=repo, path=[str(decoy.parent)]))
    assert (code, out) == (2, "")
    assert str(decoy) in err
    assert "the decoy ran" not in err


def test_a_folder_of_our_name_without_code_harms_nothing(repo):
    (repo / "engine").mkdir()
    assert ended(start("--version", cwd=repo))[0] == 0


def test_output_that_cannot_show_a_character_still_comes(repo, good):
    record(repo, good.events)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", CALL, "log"], env=environment, cwd=repo, capture_output=True, check=True
    )
    assert done.stdout.isascii()
    assert b"+ merged" in done.stdout


def test_a_defect_is_one_line_and_a_trace_only_on_request(repo, monkeypatch, capsys):
    monkeypatch.chdir(repo)
    monkeypatch.setattr("tui.commands.status.current", lambda _: 1 / 0)
    assert cli.main(["status"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("quarterdeck: a defect: ZeroDivisionError")
    assert err.count("\n") == 1
    monkeypatch.setenv("QUARTERDECK_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["status"])
