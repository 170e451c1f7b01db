"""The script player: real edits, exact expectations, and a named reason for everything that does not fit."""

import json

import pytest
from support.stage import play

HEAD = "[[on]]\n"


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "a.py").write_text("one\ntwo\ntwo\n")
    return folder


@pytest.fixture
def perform(clone, tmp_path):
    def perform(script, **task):
        (clone / "script.toml").write_text(script)
        return play(clone, "script.toml", tmp_path, **task)

    return perform


def steps(*lines):
    return HEAD + "".join(f"[[on.step]]\n{line}\n" for line in lines)


def test_edits_are_real(perform, clone):
    played = perform(
        steps(
            'write = "deep/b.py"\ntext = "b\\n"',
            'append = "deep/b.py"\ntext = "c\\n"',
            'replace = "a.py"\nold = "one"\nnew = "1"',
            'write = "gone.py"\ntext = ""',
            'delete = "gone.py"',
        )
    )
    assert played.code == 0, played.output
    assert (clone / "deep/b.py").read_text() == "b\nc\n"
    assert (clone / "a.py").read_text() == "1\ntwo\ntwo\n"
    assert not (clone / "gone.py").exists()


def test_the_result_says_what_the_entry_says_and_sums_usage(perform):
    played = perform(
        HEAD
        + 'summary = "did it"\nconfidence = 0.5\n'
        + '[[on.step]]\nusage = {input = 10, usd = "0.1"}\n[[on.step]]\nusage = {input = 5, output = 2}\n'
    )
    result = played.result
    assert (result.outcome, result.summary, result.confidence) == ("done", "did it", 0.5)
    assert (result.usage.input, result.usage.output, result.usage.usd) == (15, 2, "0.1")


def test_what_it_says_is_its_output_in_order(perform):
    assert perform(steps('say = "first"', "wait = 0.01", 'say = "second"')).output == "first\nsecond\n"


def test_waits_are_divided_by_the_speed(perform):
    assert perform(steps("wait = 300")).code == 0  # 0.3 s at the stage's speed of 1000, a test's time limit at 1


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"id": "a", "attempt": 1}, "first round of a"),
        ({"id": "a", "attempt": 2}, "any round of a"),
        ({"id": "b", "role": "review"}, "a review"),
    ],
)
def test_the_first_entry_that_fits_is_played(perform, task, said):
    script = (
        '[[on]]\ntask = "a"\nattempt = 1\n[[on.step]]\nsay = "first round of a"\n'
        '[[on]]\ntask = "a"\n[[on.step]]\nsay = "any round of a"\n'
        '[[on]]\nrole = "review"\n[[on.step]]\nsay = "a review"\n'
    )
    assert perform(script, **task).output == said + "\n"


def test_without_a_fitting_entry_it_fails_naming_the_task(perform):
    played = perform('[[on]]\ntask = "other"\n', id="mine", attempt=3)
    assert played.code == 2
    assert played.result.summary == "the script has no [[on]] for task mine, role work, attempt 3"


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ('replace = "a.py"\nold = "two"\nnew = ""', "a.py: the text to replace is there 2 times, not once: 'two'"),
        ('replace = "a.py"\nold = "three"\nnew = ""', "a.py: the text to replace is there 0 times, not once: 'three'"),
        ('replace = "b.py"\nold = "x"\nnew = ""', "b.py: no such file in the clone"),
        ('append = "b.py"\ntext = "x"', "b.py: no such file in the clone"),
        ('delete = "b.py"', "b.py: no such file in the clone"),
        ('resolve = "a.py"\ntext = ""', "a.py: no conflict markers to resolve"),
        ('write = "../b.py"\ntext = "x"', "../b.py: a script edits only files inside the clone"),
        ('write = "/tmp/b.py"\ntext = "x"', "/tmp/b.py: a script edits only files inside the clone"),
        ('run = "exit 3"', "`exit 3` ended with 3"),
        ('fail = "no idea"', "no idea"),
    ],
)
def test_a_step_that_can_not_be_played_fails_the_attempt(perform, step, reason):
    played = perform(steps("usage = {input = 7}", step, 'write = "late.py"\ntext = ""'))
    assert played.code == 1
    assert (played.result.outcome, played.result.summary) == ("failed", reason)
    assert played.result.usage.input == 7
    assert f"failed: {reason}" in played.output


def test_nothing_after_a_failed_step_is_played(perform, clone):
    perform(steps('fail = "x"', 'write = "late.py"\ntext = ""'))
    assert not (clone / "late.py").exists()


def test_a_conflicted_file_is_resolved(perform, clone):
    (clone / "a.py").write_text("<<<<<<< ours\na\n||||||| base\n=======\nb\n>>>>>>> theirs\n")
    assert perform(steps('resolve = "a.py"\ntext = "a\\nb\\n"')).code == 0
    assert (clone / "a.py").read_text() == "a\nb\n"


def test_feedback_is_expected_in_texts_and_in_both_sides(perform):
    sides = [{"path": "a.py", "ours": 'say("x")', "theirs": "y"}]
    feedback = [{"attempt": 1, "kind": "check", "text": "1 failed"}, {"kind": "conflict", "text": "", "sides": sides}]
    script = steps('expect_feedback = "1 failed"', "expect_feedback = 'say(\"x\")'")
    assert perform(script, feedback=feedback).code == 0
    missing = perform(steps('expect_feedback = "2 failed"'), feedback=feedback)
    assert missing.code == 1
    assert missing.result.summary.startswith("the feedback does not hold '2 failed'; it is: ")
    assert "1 failed" in missing.result.summary


def test_a_review_rests_on_the_diff(perform, tmp_path):
    (tmp_path / "change.diff").write_text("+def test_it():\n")
    change = {"diff": str(tmp_path / "change.diff"), "author": "b", "summary": ""}
    script = steps('expect_diff = "def test_"', 'review = {verdict = "reject", remarks = "why?"}')
    played = perform(script, role="review", change=change)
    assert played.result.review.model_dump() == {"verdict": "reject", "remarks": "why?"}
    assert perform(steps('expect_diff = "absent"'), role="review", change=change).code == 1


def test_a_plan_goes_into_the_result(perform):
    played = perform(steps('plan = {task = [{id = "x", title = "X"}]}'), role="plan")
    assert played.result.plan == {"task": [{"id": "x", "title": "X"}]}


def test_messages_are_published_whole_and_in_order(perform, tmp_path):
    lines = [f'message = {{kind = "note", to = "user", payload = {{text = "{text}"}}}}' for text in "ab"]
    played = perform(steps(*lines))
    assert [message["payload"]["text"] for message in played.messages] == ["a", "b"]
    assert not [file for file in (tmp_path / "outbox").iterdir() if file.name.startswith(".")]


def test_what_comes_in_is_printed_and_moved_to_seen(perform, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "01.json").write_text(json.dumps({"from": "user", "payload": {"text": "smaller, please"}}))
    played = perform(steps('say = "on"'))
    assert "message from user" in played.output
    assert "smaller, please" in played.output
    assert [file.name for file in (inbox / "seen").iterdir()] == ["01.json"]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("on = 1", "a script is a list of [[on]] entries and nothing else"),
        ("", "a script is a list of [[on]] entries and nothing else"),
        ("x = 1\n[[on]]", "a script is a list of [[on]] entries and nothing else"),
        ("on = [1]", "[[on]] 1: an entry is a table with [[on.step]] tables"),
        ("[[on]]\nstep = 1", "[[on]] 1: an entry is a table with [[on.step]] tables"),
        ("[[on]]\nstep = [1]", "[[on]] 1, step 1: a step is a table"),
        ("[[on]]\nrol = 'work'", "[[on]] 1: unknown field rol"),
        ("[[on]]\n[[on]]\n[[on.step]]\nsay = 1", "[[on]] 2, step 1: say has a value of the wrong type"),
        ("[[on]]\n[[on.step]]\nwait = true", "[[on]] 1, step 1: wait has a value of the wrong type"),
        ("[[on]]\n[[on.step]]\nwrite = 'a'", "[[on]] 1, step 1: write needs text, a text"),
        ("[[on]]\n[[on.step]]\nsay = 'a'\ntext = 'b'", "[[on]] 1, step 1: unknown field text beside say"),
        ("[[on]]\n[[on.step]]\nsay = 'a'\nwait = 1", "[[on]] 1, step 1: a step has exactly one of"),
        ("[[on]", "line 1"),
    ],
)
def test_a_script_is_refused_whole_naming_the_place(perform, clone, script, complaint):
    played = perform(script)
    assert played.code == 2
    assert complaint in played.result.summary
    assert "script.toml" in played.result.summary


def test_a_bad_step_later_on_keeps_the_first_from_being_played(perform, clone):
    perform(steps('write = "early.py"\ntext = ""', 'wirte = "b.py"'))
    assert not (clone / "early.py").exists()


def test_a_missing_script_is_named(clone, tmp_path):
    played = play(clone, "scripts/none.toml", tmp_path)
    assert played.code == 2
    assert "scripts/none.toml" in played.result.summary
