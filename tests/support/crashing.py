"""A small project whose final tree is known, runs of it that are killed, and what must be so whatever was killed when.

Four parts are built from each other (`recipes/`), so that a part made from anything but its merged parts is wrong and
fails the gate; the author of `c` gets it wrong at first. The agents are a few lines of `sh`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from support import repos
from support.lives import House, a_house, alive, descendants, handle_of, plain, slay

from engine.api import launch
from engine.api.errors import EngineGone
from engine.core.events import decode
from engine.journal.reader import read
from engine.journal.verify import verify

PARTS = {"a": "", "b": "", "c": "b", "d": "a c"}
"""Each part and the parts it is made of."""
MAKE = '{ echo "$id"; for part in $(cat "recipes/$id"); do cat "parts/$part"; done; }'
FILES = {
    "quarterdeck.toml": """\
[project]
target = "main"
check = ["sh check.sh"]
[limits]
agents = 3
[agents.builder]
runtime = "command"
command = ["sh", "build.sh"]
instances = 2
[agents.reviewer]
runtime = "command"
command = ["sh", "review.sh"]
does = ["review"]
""",
    "build.sh": f"""\
set -eu
id=$(sed -n 's/^ *"id": "\\([a-z]*\\)".*/\\1/p;T;q' "$QUARTERDECK_TASK")
[ ! -p "${{1-}}" ] || read -r _ < "$1" || true
mkdir -p parts
{MAKE} > "parts/$id"
[ "$id$QUARTERDECK_ATTEMPT" != c1 ] || echo wrong > parts/c
""",
    "review.sh": """\
set -eu
cat > "$QUARTERDECK_OUTBOX/.said" <<END
{"outcome": "done", "summary": "read", "review": {"verdict": "approve", "remarks": "fine"}}
END
mv "$QUARTERDECK_OUTBOX/.said" "$QUARTERDECK_OUTBOX/result.json"
""",
    "check.sh": f"""\
set -eu
[ -d parts ] || exit 0
for file in parts/*; do
  id=${{file#parts/}}
  {MAKE} | cmp - "$file"
done
""",
    **{f"recipes/{name}": f"{parts}\n" for name, parts in PARTS.items()},
}
PLAN = 'goal = "four parts"\n' + "".join(
    f'[[task]]\nid = "{name}"\ntitle = "Make {name}"\nprompt = "Make it."\nafter = {parts.split()}\n'.replace("'", '"')
    for name, parts in PARTS.items()
)
EVENTS = 100
"""About as many events an undisturbed run has."""
YOUNG = 0.25
"""How many of the killed engines die young: while they start, or with nobody looking."""


class Violated(AssertionError):
    """Something is not so that must be so, whatever was killed when."""


@dataclass
class Crashing:
    """A run that is killed now and then. `told` is what its engines have published, over all lives."""

    house: House
    told: list[bytes] = field(default_factory=list)
    blows: list[str] = field(default_factory=list)
    left: set[tuple[int, int]] = field(default_factory=set)
    _known: int = 0  # what the record held when we began to follow

    @property
    def seq(self) -> int:
        """The last event that anybody was told."""
        return plain(self.told[-1])["seq"] if self.told else 0

    @property
    def over(self) -> bool:
        """Whether the last that we were told of it is that it came to rest."""
        kinds = [plain(line)["kind"] for line in reversed(self.told)]
        return next((kind == "run_ended" for kind in kinds if kind in {"run_ended", "run_resumed"}), False)

    def killed_at(self, events: int, lag: float = 0.0) -> None:
        """Follow a life for so many more events, or to the run's end, and kill the engine `lag` seconds later."""
        with self.living() as (pid, stream):
            self.hear(stream, self.seq + events)
            time.sleep(lag)  # part of the fault; nothing is synchronised by it
            self.strike(pid)
            with suppress(EngineGone):
                self.told.extend(stream)

    def killed_young(self, age: float) -> None:
        """Start an engine, follow nothing, and kill it at that age in seconds, ready or not."""
        log = self.house.layout.state / "engine.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with Path(os.devnull).open("wb") as ready:
            process = launch._spawned(self.house.root, log, ready.fileno())
        with suppress(subprocess.TimeoutExpired):
            raise Violated(f"an engine ended by itself, with {process.wait(age)}: {self.house.log()}")
        self.strike(process.pid)
        process.wait()

    def to_the_end(self) -> None:
        """Follow a life until the run is at rest, and end the engine in order."""
        with self.living() as (_, stream):
            self.hear(stream)
        self.house.end()
        self.gone()

    @contextmanager
    def living(self) -> Iterator[tuple[int, Iterator[bytes]]]:
        """An engine that has the run under way: its pid, and every event that we were not told yet."""
        with self.house.up() as client:
            self.gone()
            self.house.go(client, PLAN)
            self._known = client.status()["engine"]["seq"]
            with client.raw_events(self.seq) as stream:
                yield client.engine.pid, stream

    def strike(self, pid: int, *, with_all: bool = False) -> None:
        """SIGKILL to the engine, once we know who is below it; `with_all`: to those as well."""
        with suppress(ProcessLookupError), handle_of(pid):
            self.left = descendants(pid)
            slay(pid)
        for below, _ in (
            sorted(alive(self.left)) if with_all else ()
        ):  # parents first: no child's death is cleaned up after
            slay(below)
        self.blows.append(f"pid {pid} after event {self.seq}, {len(self.left)} processes below it")

    def engines(self) -> int:
        """How many engines have taken up the record."""
        return sum(event.kind == "engine_started" for event in read(self.house.record()))

    def gone(self) -> None:
        """Nothing of the life before is there any more."""
        if found := alive(self.left):
            raise Violated(f"left behind: {[(pid, command(pid)) for pid, _ in found]}")

    def hear(self, stream: Iterator[bytes], until: int = 1 << 62) -> None:
        """Take in what is published, up to event `until` or the end of the run."""
        while self.seq < min(until, self._known) or (self.seq < until and not self.over):
            self.told.append(next(stream))


def command(pid: int) -> str:
    """What a process runs, for a message."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return "gone"


def make_project(folder: Path, *builder: str, files: Mapping[str, str] | None = None) -> Path:
    """The project in a fresh repository, its target checked out.

    `builder` is another argv for the builders; `sh build.sh FIFO` is the usual one, standing still at the pipe while
    it is there. They see the folder `outside` beside the repository, and the programs of these tests.
    """
    seen = [str(outside(folder)), str(Path(__file__).parent)]
    settings = f"{FILES['quarterdeck.toml']}[agents.builder.permissions]\nread = {json.dumps(seen)}\n"
    if builder:
        settings = settings.replace('["sh", "build.sh"]', json.dumps(builder))
    return repos.make(folder, {**FILES, "quarterdeck.toml": settings, **(files or {})})


def outside(repo: Path) -> Path:
    """Where a test and the builders of a project meet."""
    place = repo.parent / "outside"
    place.mkdir(exist_ok=True)
    return place


def crashed_run(folder: Path, seed: int, blows: int = 3) -> Crashing:
    """A run killed at `blows` points that the seed says, each time taken up again, and at last left alone."""
    random = Random(seed)
    with a_house(make_project(folder)) as house:
        run = Crashing(house)
        try:
            for _ in range(blows):
                if random.random() < YOUNG:
                    run.killed_young(random.uniform(0.05, 0.8))
                else:
                    run.killed_at(random.randint(1, 2 * EVENTS // blows), random.uniform(0.0, 0.02))
            run.to_the_end()
        except BaseException as error:
            error.add_note(f"seed {seed}: {run.blows}\n{house.log()}")
            raise
        return run


def judge(run: Crashing, tree: str) -> None:
    """Everything that must be so after a run, however often it was killed. Raises Violated."""
    house = run.house
    merged = Counter(merges(house))
    _must(set(merged) == set(PARTS), f"merged were {sorted(merged)}")
    _must(set(merged.values()) == {1}, f"merged twice: {[name for name, count in merged.items() if count > 1]}")
    _must(built(house) == tree, "the final tree is another one")
    _must(repos.git(house.root, "status", "--porcelain") == "", "the person's checkout is not clean")
    _must(repos.healthy(house.root), "git finds the repository damaged")
    _record(run)


def known_tree() -> str:
    """The tree of parts as it must be in the end, by its id."""
    made: dict[str, bytes] = {}
    for name, parts in PARTS.items():
        made[name] = b"%s\n" % name.encode() + b"".join(made[part] for part in parts.split())
    listing = (b"100644 %s\0%s" % (name.encode(), _id(b"blob", made[name])) for name in sorted(made))
    return _id(b"tree", b"".join(listing)).hex()


def _id(kind: bytes, content: bytes) -> bytes:
    """What git calls an object."""
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(content), content), usedforsecurity=False).digest()


def built(house: House) -> str:
    """The tree of parts on the target, nothing beside which has changed since the beginning."""
    beside = repos.git(house.root, "diff", "--name-only", "main^{/start}", "main", "--", ":!parts")
    _must(not beside, f"changed beside the parts: {beside}")
    return repos.git(house.root, "rev-parse", "main:parts")


def merges(house: House) -> list[str]:
    """The tasks whose trailers the target has, oldest first."""
    shape = "--format=%(trailers:key=Quarterdeck,valueonly,separator=%x20)"
    return [line.split("/")[1] for line in repos.git(house.root, "log", "--reverse", shape, "main").split("\n") if line]


def _record(run: Crashing) -> None:
    report = verify(run.house.record())
    _must(report.ok and not report.unfinished, f"the record is damaged: {report.damage}")
    kept = {event.seq: event for event in read(run.house.record())}
    _must(list(kept) == list(range(1, len(kept) + 1)), "the record has gaps")
    for line in run.told:
        told = decode(line)
        _must(kept.get(told.seq) == told, f"event {told.seq} was published, and is not in the record")
    ended = [event for event in kept.values() if event.kind == "run_ended"]
    _must(ended[-1].data.outcome == "verified", f"it ended {ended[-1].data.outcome}: {ended[-1].data.reason}")
    done = Counter(event.task for event in kept.values() if event.kind == "merge_done")
    _must(done == Counter(PARTS.keys()), f"recorded merges: {dict(done)}")


def _must(so: bool, what: str) -> None:
    if not so:
        raise Violated(what)
