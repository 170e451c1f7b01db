"""Where the samples are found, in a checkout and as the wheel has them."""

import shutil
from pathlib import Path

import pytest

import engine
from tui.samples import SamplesMissing, UnknownSample, find_sample, sample_folder, sample_names


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "engine").mkdir()
    monkeypatch.setattr(engine, "__file__", str(tmp_path / "engine/__init__.py"))
    return tmp_path


def test_a_checkout_has_three():
    assert sample_names() == ("conflicting_edits", "hello_fix", "todo_api")


@pytest.mark.parametrize("name", ["conflicting_edits", "hello_fix", "todo_api"])
def test_each_says_what_it_shows_and_has_a_project_to_copy(name):
    sample = find_sample(name)
    assert sample.intro
    assert sample.pattern in {"solo", "pipeline"}
    assert bool(sample.goal) != bool(sample.plan)
    assert (sample.project / "quarterdeck.toml").is_file()
    assert not sample.plan or (sample.project / sample.plan).is_file()
    assert (sample.project.parent / "README.md").is_file()


def test_what_the_wheel_holds_comes_first(elsewhere):
    for place in ("engine/samples", "sample_projects"):
        shutil.copytree(Path(__file__).parents[2] / "sample_projects/hello_fix", elsewhere / place / "hello_fix")
    assert sample_folder() == elsewhere / "engine/samples"
    assert find_sample("hello_fix").project == elsewhere / "engine/samples/hello_fix/project"


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(UnknownSample, match="no sample project 'x'; there are conflicting_edits, hello_fix, todo_api"):
        find_sample("x")


def test_an_installation_without_samples_says_where_it_looked(elsewhere):
    with pytest.raises(SamplesMissing, match=str(elsewhere / "engine/samples")):
        sample_folder()
