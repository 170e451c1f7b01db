"""Everything an agent can plant for git, against the whole product: looks, rounds, checks, merges, in each tier.

One run has an agent for each attack. It plants, is looked at while it stands there, hands a change in, and is given
another task on what it left. Nothing outside may have changed but the target, by the changes it was asked for.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from support.engines import task
from support.git_attacks import ATTACKS, HELD_BY_CONFINEMENT, script
from support.in_tiers import tier_by
from support.repos import healthy

from engine.api.calls import CallRefused
from engine.api.place import identify, socket_path
from engine.api.session import Session, unix
from engine.core.commands import Answer

REFUSED = {"modules", "spelled"}
"""What these leave can not be taken in as it is; the others hand in the one file they were asked for."""


def instance(name: str, names: tuple[str, ...]) -> str:
    return f"builder-{names.index(name) + 1}"


def planted(place, name: str) -> str:
    """Python for the agent: plant, stand still to be looked at, hand in."""
    attack = script(name, main=str(place.root), canary=str(place.folder / "canary"))
    return (
        f"import subprocess\nif attempt == 1:\n"
        f"    subprocess.run(['sh', '-c', {attack!r}], stdin=subprocess.DEVNULL, capture_output=True)\n"
        f"    write('done-{name}.txt', 'first')\n    pause_at('look-{name}')\n"
        f"else:\n    write('done-{name}.txt', 'first')"
    )


async def looked_at(place, agent: str) -> str:
    async with asyncio.timeout(60), await Session.open(await unix(socket_path(identify(place.root).id))) as session:
        try:
            return (await session.diff(agent=agent)).text
        except CallRefused as error:
            return f"refused: {error}"


def of_the_person(place) -> dict[str, bytes]:
    """What no merge changes: configuration, hooks, the files nobody was asked to touch."""
    git = place.root / ".git"
    files = [git / "config", git / "HEAD", git / "info" / "attributes", *sorted((git / "hooks").rglob("*"))]
    files += [place.root / name for name in ("a.txt", "hidden.txt", ".env", "conf/env", "quarterdeck.toml", "mine.txt")]
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def refs(place) -> list[str]:
    listed = place.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return [ref for ref in listed if not ref.startswith(("refs/quarterdeck/", "refs/notes/", "refs/heads/main "))]


def settled_down(place, after: int = 0) -> dict:
    """To the end, granting what is asked and giving up what is refused too often."""
    while True:
        end = place.end(after=after)
        waiting = place.client.status()["approvals"]
        if not waiting:
            return end
        after = end["seq"]
        for one in waiting:
            granted = one["about"] == "guarded"
            place.client.submit(Answer(approval=one["id"], granted=granted))


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("mechanism", "names"),
    [
        ("namespaces", tuple(ATTACKS)),
        pytest.param("landlock", HELD_BY_CONFINEMENT, marks=pytest.mark.soak),
        pytest.param("landlock", tuple(ATTACKS), marks=pytest.mark.soak),
    ],
    ids=["strong", "basic", "basic-all"],
)
def test_nothing_that_is_planted_for_git_reaches_anything_outside(place, mechanism, names):
    tier_by(mechanism)
    own = Path(os.environ["XDG_CONFIG_HOME"]) / "quarterdeck" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text(f'[security]\nmechanisms = ["{mechanism}"]\n')
    place.commit({"a.txt": "one\n", "hidden.txt": "two\n", ".gitignore": ".env\nconf\n"})
    place.write({".env": "secret\n", "conf/env": "secret\n", "mine.txt": "not committed\n"})
    place.git("tag", "v1")
    place.git("branch", "mine")
    limits = "[limits]\nagents = 4\nattempts = 2"
    place.project(["true"], builders=len(names), copies=[".env", "conf/env"], more=limits)
    before, others, tip = of_the_person(place), refs(place), place.git("rev-parse", "main")
    for name in names:
        place.gate(f"look-{name}")
    first = [task(name, planted(place, name), agent=instance(name, names)) for name in names]
    then = [
        task(f"{name}-2", f"write('more-{name}.txt', read('a.txt'))", after=[name], agent=instance(name, names))
        for name in names
    ]
    place.start([*first, *then], pattern="solo")

    seen = {}
    for name in names:
        standing = place.arrive(f"look-{name}")
        seen[name] = asyncio.run(looked_at(place, instance(name, names)))
        place.release(standing)
    end = settled_down(place)

    assert sorted(path.name for path in (place.folder / "canary").glob("*")) == [], "something ran outside"
    assert of_the_person(place) == before
    assert refs(place) == others
    assert healthy(place.root)
    assert place.git("status", "--porcelain") == "?? mine.txt"
    assert place.git("rev-list", "--count", f"{tip}..main") == str(len(end["data"]["merged"]))
    assert {"done-config.txt" in seen["config"], seen["config"].startswith("refused")} == {True, False}
    tasks = end["data"]["tasks"]
    assert {name for name in names if tasks[name] != "done"} <= REFUSED
    changed = set(place.git("diff", "--name-only", tip, "main").splitlines())
    wanted = {f"{word}-{name}.txt" for name in names for word in ("done", "more")}
    assert {name: read for name in names if (read := place.show(f"more-{name}.txt")) not in {"one", ""}} == {}
    assert changed - wanted <= {".gitattributes", ".gitmodules"}
