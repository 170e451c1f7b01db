"""What runs left on disk, read by names that the record knows."""

import os

import pytest
from support.story import Story

from engine.api.calls import CallRefused, Printed
from engine.runtime.sayings import Sayings
from engine.runtime.shelf import Shelf
from workspaces.layout import Layout


@pytest.fixture
def story():
    return Story().based()


@pytest.fixture
def layout(tmp_path):
    made = Layout(tmp_path / "repository", tmp_path / "state")
    made.create()
    return made


@pytest.fixture
def shelf(story, layout):
    run = layout.transcripts / story.mind.state.run.id
    run.mkdir()
    texts = {
        "a.1.work.builder": "first\n",
        "a.2.work.builder": "second\n",
        "a.2.review.reviewer": "judged\n",
        "run.0.plan.builder": "plan\n",
    }
    for age, (name, text) in enumerate(texts.items()):
        (run / f"{name}.log").write_text(text)
        os.utime(run / f"{name}.log", (age, age))
    for name in ("notes.txt", "a.b.log", "a.x.work.builder.log", ".hidden.1.work.builder"):
        (run / name).write_text("none of ours\n")
    return Shelf(layout, story.mind)


def read(shelf, **which):
    return shelf.transcript(Printed(**which), offset=0, limit=100, growing=lambda _: False).text


@pytest.mark.parametrize(
    ("which", "text"),
    [
        ({"agent": "builder"}, "plan\n"),
        ({"agent": "builder", "task": "a"}, "second\n"),
        ({"task": "a"}, "judged\n"),
        ({"task": "a", "attempt": 1}, "first\n"),
        ({"kind": "review"}, "judged\n"),
        ({"task": "_"}, "plan\n"),
    ],
)
def test_the_latest_that_fits_is_read(shelf, which, text):
    assert read(shelf, **which) == text


@pytest.mark.parametrize("which", [{"agent": "nobody"}, {"task": "nothing"}, {"attempt": 7}, {"kind": "merge"}])
def test_what_is_not_there_is_refused(shelf, which):
    with pytest.raises(CallRefused):
        read(shelf, **which)


def test_what_was_printed_before_the_engine_came_up_is_recalled(shelf):
    sayings = Sayings()
    shelf.recall(sayings, ["builder", "reviewer", "nobody"])
    assert sayings.latest("builder").task == "_"
    assert sayings.latest("reviewer").ended
    assert sayings.latest("nobody") is None


def test_links_among_artifacts_are_passed_over(shelf, story, layout, tmp_path):
    folder = layout.artifacts(story.mind.state.run.id, "a", 1)
    folder.mkdir(parents=True)
    (folder / "own.txt").write_text("x")
    (tmp_path / "secret").write_text("s")
    (folder / "link.txt").symlink_to(tmp_path / "secret")
    assert [found.name for found in shelf.artifacts("a", None)] == ["own.txt"]
    with pytest.raises(CallRefused, match="left no"):
        shelf.artifact("a", 1, "link.txt", offset=0, limit=10)
