"""Following what agents print: in order, without gap or double, through steps and skips."""

import asyncio
import random

import pytest
from support.aio import run

from engine.api.calls import CallRefused
from engine.runtime import follower
from engine.runtime.follower import Follower
from engine.runtime.sayings import Sayings, Transcript


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr(follower, "LINES_EVERY", 0.0)
    monkeypatch.setattr(follower, "LAST_EVERY", 0.0)


class Stage:
    """An agent that prints into a folder."""

    def __init__(self, folder, agent="builder"):
        self.folder, self.agent = folder, agent
        self.sayings = Sayings()
        self.now = None

    def begin(self, task, attempt=1):
        path = self.folder / f"{task}.{attempt}.work.{self.agent}.log"
        begins = path.stat().st_size if path.exists() else 0
        self.now = Transcript(self.agent, task, attempt, "work", path, begins)
        self.sayings.begin(self.now)

    def print(self, text):
        with self.now.path.open("ab") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        self.sayings.grew(self.now)


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


async def nothing_more(following):
    """What would come is nothing: the next call waits."""
    more = asyncio.create_task(following.said())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not more.done(), more.result()
    more.cancel()
    await asyncio.gather(more, return_exceptions=True)


def chosen(stage, *lines, others=False):
    following = Follower(stage.sayings)
    following.choose(lines, others=others)
    return following


def test_steps_follow_one_another_and_each_is_told_to_its_end(stage):
    async def scenario():
        following = chosen(stage, "builder")
        stage.begin("a")
        stage.print("one\nunended")
        assert (await following.said()).text == "one\n"
        stage.sayings.end(stage.now)
        stage.begin("b")
        stage.print("two\n")
        stage.begin("c")
        stage.print("three\n")
        told = [await following.said() for _ in range(3)]
        assert [(said.task, said.text, said.missed) for said in told] == [
            ("a", "unended", 0), ("b", "two\n", 0), ("c", "three\n", 0),
        ]  # fmt: skip
        await nothing_more(following)

    run(scenario())


def test_a_step_that_is_done_again_goes_on_in_the_same_file(stage):
    async def scenario():
        stage.begin("a")
        following = chosen(stage, "builder")
        stage.print("one\n")
        assert (await following.said()).next == 4
        stage.sayings.end(stage.now)
        stage.begin("a")
        stage.print("two\n")
        said = await following.said()
        assert (said.text, said.offset, said.missed) == ("two\n", 4, 0)

    run(scenario())


def test_a_line_without_an_end_comes_in_pieces(stage, monkeypatch):
    monkeypatch.setattr(follower, "PIECE", 100)

    async def scenario():
        stage.begin("a")
        following = chosen(stage, "builder")
        stage.print("é" * 175 + "\n")
        text = ""
        while not text.endswith("\n"):
            text += (await following.said()).text
        assert text == "é" * 175 + "\n"

    run(scenario())


@pytest.mark.parametrize("seed", range(20))
def test_every_byte_is_told_or_counted(stage, monkeypatch, seed):
    monkeypatch.setattr(follower, "BEHIND", 500)
    monkeypatch.setattr(follower, "TAIL", 200)
    monkeypatch.setattr(follower, "PIECE", 150)
    rng = random.Random(seed)

    async def scenario():
        stage.begin("a")
        following = chosen(stage, "builder")
        printed, place, told = "", 0, ""
        for _ in range(100):
            if rng.random() < 0.6:
                text = "".join(f"{rng.randrange(10**6)}\n" for _ in range(rng.randrange(1, 60)))
                printed += text
                stage.print(text)
            elif place < len(printed):
                said = await following.said()
                assert said.offset == place + said.missed
                assert said.text == printed[said.offset : said.next]
                assert said.offset == 0 or printed[said.offset - 1] == "\n"
                place, told = said.next, told + said.text
        while place < len(printed):
            said = await following.said()
            assert said.offset == place + said.missed
            place = said.next
        await nothing_more(following)

    run(scenario())


def test_the_last_line_of_the_others_and_each_of_the_chosen(tmp_path):
    async def scenario():
        stage = Stage(tmp_path)
        other = Stage(tmp_path, "reviewer")
        other.sayings = stage.sayings
        following = chosen(stage, "builder", others=True)
        stage.begin("a")
        other.begin("b")
        stage.print("1\n2\n")
        other.print("1\n2\n")
        told = {said.agent: said for said in [await following.said() for _ in range(2)]}
        assert (told["builder"].text, told["reviewer"].text) == ("1\n2\n", "2")
        assert (told["reviewer"].offset, told["reviewer"].missed) == (2, 2)
        following.choose([], others=False)
        stage.print("3\n")
        await nothing_more(following)

    run(scenario())


def test_a_choice_that_stays_goes_on_where_it_was(stage):
    async def scenario():
        stage.begin("a")
        following = chosen(stage, "builder")
        stage.print("one\n")
        await following.said()
        following.choose(["builder", "nobody"], others=True)
        await nothing_more(following)
        stage.print("two\n")
        assert (await following.said()).text == "two\n"

    run(scenario())


def test_a_flood_is_told_in_few_pieces(stage, monkeypatch):
    monkeypatch.setattr(follower, "LAST_EVERY", 0.2)

    async def scenario():
        stage.begin("a")
        following = chosen(stage, others=True)
        loop = asyncio.get_running_loop()
        told, began = 0, loop.time()
        printing = asyncio.create_task(print_for(stage, 0.5))
        try:
            async with asyncio.timeout_at(began + 0.5):
                while await following.said():
                    told += 1
        except TimeoutError:
            pass
        await printing
        assert 1 <= told <= 4

    run(scenario())


async def print_for(stage, seconds):
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        stage.print("x\n")
        await asyncio.sleep(0.001)


def test_a_path_is_no_agent(stage):
    async def scenario():
        with pytest.raises(CallRefused, match="can not be the name"):
            chosen(stage, "../builder")

    run(scenario())


def test_who_left_hears_nothing(stage):
    async def scenario():
        stage.begin("a")
        following = chosen(stage, "builder")
        following.close()
        stage.print("one\n")
        await nothing_more(following)

    run(scenario())
