"""What the programs of one keeper may see and change, whatever enforces it.

A profile only says; it makes no folder and looks at no disk (`coverable` does, for whoever makes one). Its paths have
to be absolute and free of symbolic links where an agent could have planted one: what meets a link there while it is
put in force refuses to start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from engine.processes.confinement.tiers import Tier

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Paths are absolute and real. Where they lie in each other the deepest counts; of one path: `frozen` before
    `home` and `tmp`, then `writable`, aliases, `readable`, `masked`.

    home      scratch folder that is their HOME (rw)
    home_at   the user's HOME, where it is shown in tier strong (basic: $HOME = home); see `coverable`
    tmp       scratch folder, shown at /tmp and /var/tmp (basic: $TMPDIR)
    writable  its clone, boxes, ...; have to exist
    frozen    below writable ones, read-only all the same (a check tree's .git); what does not exist is not frozen
    readable  shown read-only although something above is masked: prefixes of tools, git objects; have to exist
    masked    not there: repository root, state folder, config folders (HOME, /tmp, /var/tmp and /run always)
    aliases   (at, to): a symbolic link, made where something masked was. A link, because git replaces files: what is
              mounted goes on showing the old ones. In tier strong only
    port      of the way out, inside; basic: the engine's own port on 127.0.0.1; 0: none
    models    likewise of the models' gateway
    direct    hosts that are not asked for at the proxy: what listens inside, a server under test, the models
    token     password in the proxy's URL, where others on this machine can reach the port (basic)
    processes most processes and threads at a time, 0: no limit (basic: none is in force)
    memory    most bytes of memory, 0: no limit; in force only in a cgroup that has the controller
    file_bytes  largest file that can be written (RLIMIT_FSIZE), 0: no limit
    """

    home: Path
    home_at: Path
    tmp: Path
    writable: tuple[Path, ...] = ()
    frozen: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    masked: tuple[Path, ...] = ()
    aliases: tuple[tuple[Path, Path], ...] = ()
    port: int = 3128
    models: int = 0
    direct: tuple[str, ...] = LOOPBACK
    token: str = ""
    processes: int = 512
    memory: int = 0
    file_bytes: int = 0

    @property
    def ports(self) -> tuple[int, ...]:
        """Those on 127.0.0.1 where the engine answers."""
        return tuple(port for port in (self.port, self.models) if port)

    def environment(self, tier: Tier) -> dict[str, str]:
        """Variables that the confinement itself asks for; empty in tier unconfined."""
        if tier.name == "unconfined":
            return {}
        strong = tier.name == "strong"
        places = {"HOME": str(self.home_at if strong else self.home), "TMPDIR": "/tmp" if strong else str(self.tmp)}  # noqa: S108  their own
        return places | (self._proxies() if self.port else {})

    def _proxies(self) -> dict[str, str]:
        user = f"quarterdeck:{quote(self.token, safe='')}@" if self.token else ""
        said = dict.fromkeys(PROXIES, f"http://{user}127.0.0.1:{self.port}") | {"NO_PROXY": ",".join(self.direct)}
        return said | {name.lower(): value for name, value in said.items()}


def coverable(home: Path, otherwise: Path) -> Path:
    """`home` for `home_at`, where it is a folder that can be covered: not `/`, not one that was never made."""
    return home if home.is_dir() and home != Path("/") else otherwise
