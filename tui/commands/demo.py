"""`demo`: a sample project in a fresh repository, run by the real engine with scripted agents, or with a real one.

The repository is kept, so that its proof can be looked at again. Nothing of the user's git configuration is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from engine.api.calls import RunRequest
from engine.api.refusals import GitFailed, GitMissing
from tui import door
from tui.cells import wrap
from tui.commands import dashboard, output, real_demo
from tui.commands.errors import CannotRead, Declined, NotEmpty, NotReady
from tui.commands.run import carry_out, handed, watch
from tui.samples import Sample, find_sample

IDENTITY = {"user.name": "Quarterdeck demo", "user.email": "demo@quarterdeck.invalid", "commit.gpgSign": "false"}
SAMPLE = "todo_api"
_WITHOUT = ("project/.quarterdeck", "__pycache__", ".pytest_cache", ".quarterdeck")


def demo(args: Namespace) -> int:
    """The command."""
    real_demo.check(args)
    sample = find_sample(args.name or (SAMPLE if args.agent is None else real_demo.SAMPLE))
    folder = prepare(sample, args.keep, args.agent)
    if not args.json:
        look = output.look()
        output.lines([look.ink(f"demo {sample.name}", "bold"), *wrap(sample.intro, look.left(0)), f"in {folder}", ""])
    programs = str(Path(sys.executable).parent)
    environment = handed(programs, {"QUARTERDECK_SPEED": f"{args.speed:g}"}, keys=args.agent is not None)
    budget = None if args.agent is None else _agreed(args, folder, environment)
    request = RunRequest(
        goal=sample.goal,
        plan=(folder / sample.plan).read_text(encoding="utf-8") if sample.plan else None,
        plan_name=sample.plan,
        pattern=sample.pattern,
        budget=budget,
        # agents that are scripts ship with it; the strongest tier there is is used all the same
        unconfined=args.agent is None,
        environment=environment,
    )
    return _carried_out(args, sample, folder, request, programs)


def _carried_out(args: Namespace, sample: Sample, folder: Path, request: RunRequest, programs: str) -> int:
    place = door.find(str(folder))
    if dashboard.wanted(args):
        code = watch(place, request, path=programs, hints=sample.hints)
    else:
        code = carry_out(place, request, json=args.json, path=programs)
    if not args.json:
        output.lines(["", f"The repository is kept: {folder}"])
    return code


def _agreed(args: Namespace, folder: Path, environment: Mapping[str, str]) -> str:
    """The most it may use; a folder that we made is not left behind where it does not start."""
    try:
        return real_demo.agreed(args, folder, environment)
    except (NotReady, Declined):
        if args.keep is None:
            shutil.rmtree(folder)
        raise


def prepare(sample: Sample, keep: str | None, agent: str | None = None) -> Path:
    """Copy the sample to a folder, with a real agent if one is named, and commit it there.

    Raises NotEmpty, CannotRead, GitMissing, GitFailed.
    """
    folder = _folder(sample, keep)
    shutil.copytree(sample.project, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_WITHOUT))
    if agent is not None:
        real_demo.cast(folder, agent)
    _git(folder, "init", "-q", "--template=", "-b", "main")
    for name, value in IDENTITY.items():
        _git(folder, "config", name, value)
    _git(folder, "add", "-A")
    _git(folder, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", f"The sample {sample.name}, as it begins")
    return folder


def _folder(sample: Sample, keep: str | None) -> Path:
    if keep is None:
        return Path(mkdtemp(prefix=f"quarterdeck-{sample.name}-")).resolve()
    folder = Path(keep).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise NotEmpty(folder)
    except OSError as error:
        raise CannotRead(str(folder), error.strerror or str(error)) from error
    return folder


def _git(folder: Path, *words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], check=False, capture_output=True, text=True, env=environment
        )
    except FileNotFoundError:
        raise GitMissing("git") from None
    if done.returncode:
        raise GitFailed(words, done.returncode, done.stderr)
