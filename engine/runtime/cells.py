"""What each place of a run may see and change: an agent's clone, a check tree, a look, and nothing besides.

It only decides; `engine.processes.confinement` enforces. The folders named here are made here, by us, where no agent
can have put a link in their place.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from engine.agents import player
from engine.config.prefixes import prefixes
from engine.config.settings import Agent, LimitSettings, Settings
from engine.config.userfile import user_file
from engine.processes.confinement.profile import Profile, coverable
from engine.processes.confinement.tiers import Cell, Tier
from engine.runtime.ways_out import Models, WayOut, WaysOut, WayToHosts, WayToModels, direct
from workspaces.layout import PRIVATE, Layout
from workspaces.repository import Repository

XDG = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")


class Cells:
    """The cells of one run, in the tier in force. `names` are the top-level names of the run's base."""

    def __init__(
        self,
        repo: Repository,
        layout: Layout,
        settings: Settings | None,
        *,
        env: Mapping[str, str],
        tier: Tier,
        names: Sequence[str] = (),
        ways_out: WaysOut | None = None,
    ) -> None:
        self.tier, self._ways_out = tier, ways_out
        self._layout, self._settings, self._names = layout, settings, tuple(names)
        self._root = repo.root
        self._home = _real(env.get("HOME") or _login_home())
        self._masked = _existing((*_hidden(repo, layout, env), _login_home(), self._home))
        self._env = dict(env)
        self._tools_on: dict[str, tuple[Path, ...]] = {}
        self._objects = _objects(repo.common_dir / "objects")

    def way_out(
        self, agent: str, setting: str, *, declared: Sequence[str] = (), models: Models | None = None
    ) -> WayOut | None:
        """A way out to the hosts that are `declared` in some `setting`, and to the models; None where it leads nowhere.

        Where nothing confines there is only the way to the models; where there is no run, none.
        """
        if self._ways_out is None:
            return None
        inside = self.tier.name == "strong"
        hosts = None
        if self.tier.name != "unconfined":
            hosts = WayToHosts(agent, setting, self._ways_out, inside=inside)
        to_models = None if models is None else WayToModels(agent, models, inside=inside)
        return WayOut(hosts, to_models, direct(declared)) if hosts or to_models else None

    def agent(self, name: str, clone: Path, settings: Agent | None) -> Cell | None:
        """For an agent at work: its clone and its boxes are its own."""
        self._layout.create_agent(name)
        read = tuple(_real(Path(folder).expanduser()) for folder in settings.permissions.read) if settings else ()
        shown = (*read, *_programs(settings), Path(player.__file__))
        return self._cell(name, clone, writable=(clone, self._layout.agents / name), shown=shown)

    def rescue(self, name: str, clone: Path) -> Cell | None:
        """For keeping what a killed agent has left in its clone."""
        return self._cell(name, clone, writable=(clone,))

    def look(self, name: str, clone: Path) -> Cell | None:
        """For seeing what a clone differs in: it can not be changed from here."""
        return self._cell(name, clone, shown=(clone,))

    def restore(self, name: str, tree: Path) -> Cell | None:
        """For bringing a check tree to what is to be judged."""
        return self._cell(name, tree, writable=(tree,))

    def check(self, name: str, tree: Path, products: Iterable[str] = ()) -> Cell | None:
        """For judging it: not its git directory and not what setup made can be changed."""
        frozen = (tree / ".git", *(tree / product for product in products))
        return self._cell(name, tree, writable=(tree,), frozen=frozen)

    def _cell(
        self,
        name: str,
        tree: Path,
        *,
        writable: tuple[Path, ...] = (),
        shown: tuple[Path, ...] = (),
        frozen: tuple[Path, ...] = (),
    ) -> Cell | None:
        if self.tier.name == "unconfined":
            return None
        home, tmp = self._layout.home(name), self._layout.tmp(name)
        for folder in (home, tmp, *writable):
            folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        limits = self._settings.limits if self._settings is not None else LimitSettings()
        profile = Profile(
            home=home,
            home_at=coverable(self._home, home),
            tmp=tmp,
            writable=writable,
            frozen=frozen,
            readable=_existing((*self._objects, *self._tools(shown), *shown)),
            masked=self._masked,
            aliases=tuple((self._root / top, tree / top) for top in self._names),
            processes=limits.processes,
            memory=limits.memory,
            file_bytes=limits.file or 0,
        )
        return Cell(self.tier, profile)

    def _tools(self, shown: Sequence[Path]) -> tuple[Path, ...]:
        folders = {str(path.parent) for path in shown if path.is_file() and _open(path.parent)}
        path = os.pathsep.join((self._env.get("PATH", os.defpath), *sorted(folders)))
        if path not in self._tools_on:
            self._tools_on[path] = prefixes(path, self._home, self._masked, variables=self._env)
        return self._tools_on[path]


def _open(folder: Path) -> bool:
    """Whether what lies beside a program is shown with it: a project names programs, and may name no hidden folder."""
    return folder.name in {"bin", "sbin"} or not any(part.startswith(".") for part in folder.parts)


def _programs(settings: Agent | None) -> tuple[Path, ...]:
    """The program of an agent that is named by its path."""
    named = settings.command[:1] if settings is not None else ()
    return tuple(Path(program) for program in named if Path(program).is_absolute())


def _hidden(repo: Repository, layout: Layout, env: Mapping[str, str]) -> list[Path]:
    """The person's checkout, our own state, and where settings and secrets are kept."""
    settings = user_file()
    own = settings.parent if settings.parent.name == "quarterdeck" else settings
    known = [Path(source[name]) for source in (os.environ, env) for name in XDG if source.get(name)]
    return [repo.root, repo.common_dir, layout.state.parent, own, *known]


def _existing(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(_real(path) for path in paths if os.path.exists(path)))  # noqa: PTH110  False where we may not look


def _real(path: Path | str) -> Path:
    return Path(path).resolve()


def _login_home() -> Path:
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a user without an entry, as in a container
        return Path.home()


def _objects(folder: Path) -> tuple[Path, ...]:
    """Where objects lie: the repository's own, and those that it borrows."""
    found: list[Path] = []
    wanted = [folder]
    while wanted:
        here = wanted.pop()
        if here in found or not here.is_dir():
            continue
        found.append(here)
        alternates = here / "info" / "alternates"
        if alternates.exists():
            lines = alternates.read_text(errors="surrogateescape").splitlines()
            wanted += [_real(here / line) for line in lines if line and not line.startswith("#")]
    return tuple(found)
