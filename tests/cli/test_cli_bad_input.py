"""Whatever is wrong with the place or the words: one clear sentence, the right code, everything left as it was."""

import pytest
from support import repos
from support.stand_in import record

from tui import cli


@pytest.mark.parametrize("words", ["run x", "status", "log", "why a", "kill --all", "init --yes", "audit verify", ""])
def test_outside_a_repository(words, tmp_path, state, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "not in a git work tree" in err
    assert "--repo DIR" in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(quarterdeck):
    code, _, err = quarterdeck("status", "--repo", "/nowhere/at/all")
    assert code == 2
    assert err.startswith("quarterdeck: /nowhere/at/all: ")


def test_a_bare_repository(tmp_path, state, capsys):
    bare = tmp_path / "bare.git"
    bare.mkdir()
    repos.git(bare, "init", "-q", "--bare")
    assert cli.main(["status", "--repo", str(bare)]) == 2
    assert "bare repository" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["log", "why a", "audit verify", "audit export"])
def test_nothing_recorded_yet(quarterdeck, words):
    code, out, err = quarterdeck(*words.split())
    assert (code, out) == (2, "")
    assert "nothing was recorded here yet" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run --plan nope.toml", "nope.toml: No such file"),
        ("run --plan .", ".: Is a directory"),
        ("run --plan noise.toml", "noise.toml: is not UTF-8 text"),
        ("task add nope.toml", "nope.toml: No such file"),
        ("task add cycle.toml", "cycle.toml:3"),
        ("task add unknown.toml", 'field "aftr"'),
        ("task add Bad_Name.md", "bad-name.md"),
        ("budget raise run lots", '"lots" is no amount'),
        ("audit verify nope.jsonl", "nope.jsonl: No such file"),
        ("schema nope", 'there is no schema "nope"'),
    ],
)
def test_a_file_that_cannot_be_used_is_named_before_an_engine_is_started(quarterdeck, repo, monkeypatch, words, said):
    repos.write(
        repo,
        {
            "noise.toml": b"\xff\xfe\x00",
            "cycle.toml": '[[task]]\nid = "a"\nafter = ["b"]\n[[task]]\nid = "b"\nafter = ["a"]\n',
            "unknown.toml": '[[task]]\nid = "a"\naftr = ["b"]\n',
            "Bad_Name.md": "x\n",
        },
    )
    monkeypatch.setattr("tui.door.enter", lambda _: pytest.fail("an engine was started"))
    code, out, err = quarterdeck(*words.split())
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_damaged_record_ends_with_5(quarterdeck, repo, good):
    place = record(repo, good.events)
    segment = next(path for path in sorted(place.journal.iterdir()) if path.stat().st_size > 1000)
    lines = segment.read_bytes().split(b"\n")
    lines[5] = b"{"
    segment.write_bytes(b"\n".join(lines))
    for words in ("status", "log", "why cli"):
        code, _, err = quarterdeck(*words.split())
        assert code == 5, words
        assert segment.name in err
        assert "audit verify" in err


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", ""])
def test_a_hostile_agent_name_kills_nothing(quarterdeck, name):
    code, _, err = quarterdeck("kill", "--", name)
    assert code in {1, 2}
    assert err.startswith("quarterdeck: ")
