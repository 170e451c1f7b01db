"""Runs checks: shell lines on exactly one tree, in a folder of its own, with the tail and the whole of their output.

Evidence is for (tree, command, environment). A line that has passed on the same tree in the same environment is not
run again: that is what evidence means. What a line's end means is for `verdicts` to say.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.config.settings import Project
from engine.core.values import CheckRun, Limits
from engine.runtime.cells import Cells
from engine.runtime.member import Place
from engine.runtime.room import Room
from engine.runtime.shell import SECONDS, Tell, run_line
from engine.runtime.verdicts import verdict
from workspaces.artifacts.store import Artifacts
from workspaces.clones.setup import setup_key
from workspaces.clones.trees import CheckTree, Trees
from workspaces.layout import Layout
from workspaces.ports import Completed
from workspaces.repository import Repository

TAIL = 6_000
Known = Callable[[str, str, str], bool]
"""Has this (tree, command, environment) passed before?"""


class SetupFailed(Exception):
    """A line of `setup` did not succeed, so nothing can be judged in this tree."""

    def __init__(self, command: str, code: int, output: str) -> None:
        super().__init__(f"setup failed: `{command}` ended with {code}: {output[-500:].strip()}")


class Gates:
    """The check trees of one run."""

    def __init__(
        self,
        repo: Repository,
        layout: Layout,
        project: Project,
        env: Mapping[str, str],
        cells: Cells,
        *,
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._repo, self._project, self._env = repo, project, env
        self._records, self._cells = layout.processes, cells
        self._benches: dict[Path, Bench] = {}
        renew = cells.tier.name != "strong"
        self._trees = Trees(
            repo, layout.trees, self._inside, size=limits.agents + 1, copies=project.copies, renew=renew
        )

    def places(self) -> Sequence[Place]:
        """The keepers' places of the trees used so far."""
        return [place for bench in self._benches.values() for place in (bench.restores, bench.judges)]

    async def run(
        self,
        commands: Sequence[str],
        *,
        tree: str,
        head: str,
        known: Known,
        artifacts: Artifacts,
        name: str,
        tell: Tell,
    ) -> tuple[tuple[CheckRun, ...], str]:
        """Run the lines in order on `tree` until one does not pass; what came of each, and why it failed or ''.

        `head` is the commit that the tree stands on or is; outputs are kept as `NAME-N.log`, and `tell` hears of
        limits that were reached. Raises SetupFailed.
        """
        key = await self._setup_key(tree)
        env = self.environment_hash(key)
        if all(known(tree, command, env) for command in commands):
            return tuple(_again(command, tree, env) for command in commands), ""
        runs: list[CheckRun] = []
        async with self._trees.take() as place:
            bench = self._bench(place.folder)
            if await place.prepare(tree, head=head):
                await bench.freeze(())
            await self._set_up(bench, place, key, tell)
            await bench.judges.clear(home=True)
            for number, command in enumerate(commands, 1):
                run, output = await self._line(command, place, tree, env, tell)
                log = artifacts.write(f"{name}-{number}.log", output)
                runs.append(replace(run, log=log.name))
                if not run.passed:
                    return tuple(runs), f"`{command}`: {run.reason}"
        return tuple(runs), ""

    async def _set_up(self, bench: Bench, place: CheckTree, key: str, tell: Tell) -> None:
        """Run `setup` where the tree has not had it, for these lock files; what it made is read-only from then on."""
        if not self._project.setup or place.setup_key == key:
            return
        await bench.freeze(())
        await run_setup(bench.judges, place.folder, self._project, self._limits, tell)
        await place.was_set_up(key)
        await bench.freeze(place.products)

    async def setup_key(self, tree: str) -> str:
        """What a setup in this tree would be for; empty where there is none."""
        return await self._setup_key(tree)

    async def _setup_key(self, tree: str) -> str:
        if not self._project.setup:
            return ""
        listing = await self._repo.git.run("ls-tree", "-r", "-z", tree)
        return setup_key(listing, self._project.setup)

    def environment_hash(self, key: str) -> str:
        """What a check's result depends on besides tree and command: variables, setup, machine, confinement."""
        told = (sorted(self._env.items()), key, platform.platform(), self._cells.tier.label)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    async def _line(self, command: str, place: CheckTree, tree: str, env: str, tell: Tell) -> tuple[CheckRun, str]:
        inside = self._bench(place.folder).judges
        said = await run_line(command, place=inside, folder=place.folder, limits=self._limits, tell=tell)
        done, output = said.done, said.output
        reason = said.over or await asyncio.to_thread(verdict, done, output, limit=SECONDS)
        run = CheckRun(
            command=command,
            tree=tree,
            env=env,
            passed=not reason,
            exit=done.code,
            reason=reason,
            output=output[-TAIL:] if reason else output[-200:],
            seconds=round(done.seconds, 3),
        )
        return run, output

    async def _inside(self, argv: Sequence[str], *, cwd: Path, **given: object) -> Completed:
        return await self._bench(cwd).restores(argv, cwd=cwd, **given)  # type: ignore[arg-type]  # passed on as they came

    def _bench(self, folder: Path) -> Bench:
        if folder not in self._benches:
            declared = self._project.setup_network
            self._benches[folder] = Bench(folder, self._records, self._env, self._cells, declared=declared)
        return self._benches[folder]


class Bench:
    """The two places of a check tree: one restores it; what the other runs in it can not touch the first one's git."""

    def __init__(
        self, folder: Path, records: Path, env: Mapping[str, str], cells: Cells, *, declared: Sequence[str]
    ) -> None:
        self._folder, self._env, self._cells, self._declared = folder, env, cells, declared
        number = folder.name.rpartition("-")[2]
        self._name = f"_check-{number}"
        restoring = f"_tree-{number}"
        self.restores = Place(restoring, records, Room(env, cells.restore(restoring, folder)))
        self.judges = Place(self._name, records, self._room(()))

    async def freeze(self, products: Sequence[str]) -> None:
        """From now on these can not be changed by what is judged."""
        await self.judges.move(self._room(products))

    def _room(self, products: Sequence[str]) -> Room:
        setting = "`setup_network` of [project], for setup alone"
        way_out = self._cells.way_out("check", setting, declared=self._declared)
        return Room(self._env, self._cells.check(self._name, self._folder, products), way_out)


async def run_setup(inside: Place, folder: Path, project: Project, limits: Limits, tell: Tell) -> None:
    """Run the lines of `setup` in a tree, where only they reach the network declared for them. Raises SetupFailed."""
    with inside.reaching(project.setup_network):
        for line in project.setup:
            said = await run_line(line, place=inside, folder=folder, limits=limits, tell=tell)
            if said.done.code != 0:
                raise SetupFailed(line, said.done.code, said.over or said.output)


def _again(command: str, tree: str, env: str) -> CheckRun:
    return CheckRun(
        command=command, tree=tree, env=env, passed=True, exit=0, output="passed before on exactly this tree"
    )
