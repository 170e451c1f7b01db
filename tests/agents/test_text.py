"""Agents that print text: what is known of aider's lines, and that everything else is what it says."""

import pytest
from support.aio import run
from support.replay import Stage, make_brief

from engine.agents.aider import PROFILE, aider, arguments, environment, reads
from engine.agents.base import Erred, Retries, Said, Usage
from engine.core.values import Tokens

BANNER = """\
Detected dumb terminal, disabling fancy input and pretty output.
Aider v0.86.2
Model: openai/scripted-1 with diff edit format
Git repo: .git with 1 files
Repo-map: disabled

"""
EDIT = """\
notes.txt
```
<<<<<<< SEARCH
one
=======
two
>>>>>>> REPLACE
```
"""
GOOD = "Tokens: 2.0k sent, 36 received. Cost: $0.0012 message, $0.0030 session.\n"
AFTER = "\nnotes.txt\nApplied edit to notes.txt\n"
ERROR = "litellm.APIError: APIError: OpenAIException - budget exceeded\n"


@pytest.fixture
def play(tmp_path):
    def play(text, code=0, *, role="work", piece=1 << 16):
        here = Stage(aider(), make_brief(tmp_path, role=role))

        async def scenario():
            program = await here.begin()
            program.write(text.encode(), piece=piece)
            program.end(code)
            await here.session.finished()

        run(scenario())
        return here

    return play


@pytest.mark.parametrize("piece", [1 << 16, 3])
def test_its_last_message_is_the_result_without_its_edits(play, piece):
    here = play(f"{BANNER}I make it two.\n\n{EDIT}\n{GOOD}{AFTER}", piece=piece)
    end = here.updates[-1]
    assert (end.reason, end.result.summary) == ("completed", "I make it two.")
    assert here.of(Usage) == [Usage(tokens=Tokens(input=2000, output=36), usd="0.0012", scope="call")]
    assert "Applied edit to notes.txt" in here.transcript
    assert "Tokens:" not in here.transcript


def test_the_message_after_a_mended_edit_is_the_one_that_counts(play):
    assert play(f"First.\n{GOOD}That did not apply.\nSecond.\n{GOOD}").updates[-1].result.summary.endswith("Second.")


def test_a_refused_request_is_no_success_though_it_ends_well(play):
    here = play(f"{BANNER}{ERROR}Retrying in 0.2 seconds...\n{ERROR}")
    assert (here.updates[-1].reason, here.updates[-1].exit) == ("failed", 0)
    assert "budget exceeded" in here.updates[-1].detail
    assert here.of(Retries) == [Retries(attempt=1, seconds=0.2)]
    assert len(here.of(Erred)) == 2


def test_a_request_that_went_well_after_all_is_a_success(play):
    assert play(f"{ERROR}Retrying in 0.2 seconds...\nDone.\n{GOOD}").updates[-1].reason == "completed"


def test_a_bad_exit_status_is_no_success(play):
    assert play(f"Done.\n{GOOD}", 3).updates[-1].reason == "failed"


def test_a_review_is_read_from_its_message(play):
    text = f'Fine.\n\n```json\n{{"verdict": "approve", "remarks": ""}}\n```\n\n{GOOD}'
    assert play(text, role="review").updates[-1].result.review.verdict == "approve"


def test_what_it_prints_is_harmless_and_no_longer_than_is_read(play):
    here = play(f"\x1b[31mred\x1b[0m\n{'x' * 100_000}\nno newline")
    said = [said.text for said in here.of(Said)]
    assert "".join(said).startswith("red\nxxx")
    assert max(map(len, said)) < 10_000
    assert said[-1] == "no newline\n"


def test_a_flood_of_short_lines_is_told_in_portions_and_only_its_end_is_kept(play):
    here = play("x\n" * 400_000 + "the end")
    assert len(here.of(Said)) < 100
    assert here.updates[-1].result.summary.startswith("x\nx")


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        ("Tokens: 19 sent, 7 received.", Tokens(input=19, output=7)),
        ("Tokens: 1,234 sent, 12k received.", Tokens(input=1234, output=12000)),
        ("Tokens: 9k sent, 2k cache write, 1.5k cache hit, 3 received.",
         Tokens(input=9000, output=3, cache_read=1500, cache_write=2000)),
        ("Tokens: ..k sent, 1.2.3 received.", Tokens()),
    ],
)  # fmt: skip
def test_its_rounded_figures_are_read(line, tokens):
    (usage,) = reads(line).updates
    assert usage.tokens == tokens


def test_it_leaves_nothing_in_the_clone_and_waits_as_long_as_a_person_is_asked(tmp_path):
    brief = make_brief(tmp_path, model="m", home=tmp_path / "home", bases={"openai": "http://g"}, token="sk-test-x")
    words = arguments(brief)
    for flag in ("--chat-history-file", "--input-history-file"):
        assert words[words.index(flag) + 1].startswith(str(tmp_path / "home"))
    assert {"--no-auto-commits", "--no-gitignore", "--analytics-disable"} <= set(words)
    assert words[words.index("--timeout") + 1] == "86400"
    assert environment(brief)["OPENAI_API_BASE"] == "http://g/v1"
    assert PROFILE.argv(brief)[0] == "aider"
