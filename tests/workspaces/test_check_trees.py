"""Trees for checks hold exactly what is to be judged, again and again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from support.aio import run
from support.clones import Bench, bench
from support.repos import git, save

from workspaces.clones.setup import setup_key
from workspaces.clones.trees import Trees


def pool(b: Bench, size: int = 1) -> Trees:
    return Trees(b.repo, b.root / ".quarterdeck" / "trees", b.inside, size=size)


def held(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of every file but git's own."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(folder)): (path.stat().st_mode & 0o111, path.read_bytes()) for path in found}


def test_a_tree_object_alone_is_enough(tmp_path: Path) -> None:
    b = bench(tmp_path)
    change = b.attempt({"a.txt": "2\n", "new": "n"})

    async def scenario() -> None:
        async with pool(b).take() as tree:
            assert await tree.prepare(change.tree, head=change.base)
            assert held(tree.folder) == {"a.txt": (0, b"2\n"), "new": (0, b"n"), "src/b.py": (0, b"x = 1\n")}
            assert git(tree.folder, "rev-parse", "HEAD") == change.base
            assert git(tree.folder, "write-tree") == change.tree

    run(scenario())


def test_what_a_check_did_to_the_files_is_undone(tmp_path: Path) -> None:
    b = bench(tmp_path, {"a.txt": "one\n", "b.txt": "two\n", "run": "x", ".gitignore": "*.pyc\n"})

    async def scenario() -> None:
        async with pool(b).take() as tree:
            await tree.prepare(b.tip, head=b.tip)
            before = held(tree.folder)
            file = tree.folder / "a.txt"
            times = file.stat()
            file.write_text("ONE\n")  # the same size and time: only git's look at the inode tells
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
            (tree.folder / "b.txt").unlink()
            (tree.folder / "run").chmod(0o755)
            (tree.folder / "cache.pyc").touch()
            (tree.folder / "left").mkdir()
            assert not await tree.prepare(b.tip, head=b.tip)
            assert held(tree.folder) == before

    run(scenario())


def test_one_tree_after_another(tmp_path: Path) -> None:
    b = bench(tmp_path)
    first = b.tip
    second = save(b.root, {"a.txt": None, "src/b.py": None, "src/c/d.py": "y\n"})
    git(b.root, "rm", "-q", "-r", "src")
    third = save(b.root, {"src/c": "now a file\n"})

    async def scenario() -> None:
        async with pool(b).take() as tree:
            for commit, names in ((first, {"a.txt", "src/b.py"}), (second, {"src/c/d.py"}), (third, {"src/c"})) * 2:
                await tree.prepare(commit, head=commit)
                assert set(held(tree.folder)) == names

    run(scenario())


def test_setup_products_stay_until_the_tree_is_made_anew(tmp_path: Path) -> None:
    b = bench(tmp_path, {".gitignore": ".venv\nodd*\ncache\n"})

    async def scenario() -> None:
        async with pool(b).take() as tree:
            await tree.prepare(b.tip, head=b.tip)
            (tree.folder / ".venv").mkdir()
            (tree.folder / "odd [name]*").write_text("made by setup")
            (tree.folder / ".venv" / "a").write_text("a")
            await tree.was_set_up("k")
            assert (tree.setup_key, tree.products) == ("k", (".venv", "odd [name]*"))
            (tree.folder / "cache").mkdir()
            (tree.folder / "cache" / "planted.pyc").write_text("by a check")
            await tree.prepare(b.tip, head=b.tip)
            assert (tree.folder / ".venv" / "a").exists()
            assert (tree.folder / "odd [name]*").exists()
            assert not (tree.folder / "cache").exists()
            (tree.folder / ".git" / "index").write_bytes(b"ruined")
            assert await tree.prepare(b.tip, head=b.tip)
            assert not (tree.folder / ".venv").exists()
            assert (tree.setup_key, tree.products) == ("", ())

    run(scenario())


def test_no_two_checks_share_a_tree_and_the_pool_waits(tmp_path: Path) -> None:
    b = bench(tmp_path)
    trees = pool(b, 2)

    async def scenario() -> None:
        async with trees.take() as first:
            async with trees.take() as second:
                assert {first.folder.name, second.folder.name} == {".check-1", ".check-2"}
                third = asyncio.create_task(anext(aiter_of(trees)))
                await asyncio.sleep(0)
                assert not third.done()
            assert await third == second.folder

    run(scenario())


async def aiter_of(trees: Trees) -> AsyncIterator[Path]:
    async with trees.take() as tree:
        yield tree.folder


def test_a_cancelled_check_gives_its_tree_back(tmp_path: Path) -> None:
    b = bench(tmp_path)
    trees = pool(b)

    async def scenario() -> None:
        taken = asyncio.Event()

        async def check() -> None:
            async with trees.take():
                taken.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(check())
        await taken.wait()
        task.cancel()
        await asyncio.wait([task])
        async with asyncio.timeout(5), trees.take() as tree:
            assert tree.folder.name == ".check-1"

    run(scenario())


def test_preparing_a_used_tree_costs_one_call_and_no_process_of_our_own(tmp_path: Path) -> None:
    b = bench(tmp_path)

    async def scenario() -> None:
        async with pool(b).take() as tree:
            await tree.prepare(b.tip, head=b.tip)
            before = (b.inside.calls, b.repo.git.started)
            await tree.prepare(b.tip, head=b.tip)
            assert (b.inside.calls, b.repo.git.started) == (before[0] + 1, before[1])

    run(scenario())


def test_the_key_of_a_setup_follows_lock_files_in_any_folder_and_nothing_else(tmp_path: Path) -> None:
    b = bench(tmp_path, {"uv.lock": "1", "web/package-lock.json": "{}", "src/x.py": "1"})

    def key(*commands: str) -> str:
        listing = run(b.repo.git.run("ls-tree", "-r", "-z", "HEAD"))
        return setup_key(listing, commands)

    keys = [key()]
    save(b.root, {"src/x.py": "2"})
    assert key() == keys[0]
    for files in ({"uv.lock": "2"}, {"web/package-lock.json": "[]"}, {"requirements-dev.txt": "x"}, {"uv.lock": None}):
        save(b.root, files)
        keys.append(key())
    keys.append(key("make setup"))
    assert len(set(keys)) == len(keys)
