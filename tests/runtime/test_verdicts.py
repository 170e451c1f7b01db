"""When has a line of a check passed? A runner that says it ran no test has proven nothing, whatever it exits with."""

import os
import subprocess
import sys

import pytest

from engine.runtime import verdicts
from workspaces.ports import Completed

PASSED = Completed(code=0, out=b"", err=b"")


def verdict(done, output):
    return verdicts.verdict(done, output, limit=60)


def said(*argv, cwd):
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    done = subprocess.run([sys.executable, *argv], cwd=cwd, env=environment, capture_output=True, check=False)
    output = (done.stdout + done.stderr).decode()
    return verdict(Completed(code=done.returncode, out=done.stdout, err=done.stderr), output)


@pytest.mark.parametrize("argv", [("-m", "pytest", "-q"), ("-m", "pytest"), ("-m", "pytest", "-k", "nothing")])
def test_pytest_that_found_nothing(tmp_path, argv):
    (tmp_path / "test_one.py").write_text("def test_it(): pass\n" if "-k" in argv else "")
    assert said(*argv, cwd=tmp_path) == "pytest ran no test"


def test_unittest_that_found_nothing(tmp_path):
    assert said("-m", "unittest", "discover", cwd=tmp_path) == "unittest ran no test"


SKIPPED = """\
import unittest

class T(unittest.TestCase):
    @unittest.skip("not here")
    def test_it(self): pass
    @unittest.skip("not here")
    def test_that(self): pass
"""


@pytest.mark.parametrize("argv", [("-q",), (), ("-rs",), ("-k", "it"), ("-W", "always")])
def test_pytest_that_skipped_everything(tmp_path, argv):
    (tmp_path / "test_one.py").write_text(SKIPPED)
    assert said("-m", "pytest", *argv, cwd=tmp_path) == "pytest skipped every test"


def test_unittest_that_skipped_everything(tmp_path):
    (tmp_path / "test_one.py").write_text(SKIPPED)
    assert said("-m", "unittest", "discover", cwd=tmp_path) == "unittest skipped every test"


def test_one_that_ran_among_the_skipped_is_enough(tmp_path):
    (tmp_path / "test_one.py").write_text(SKIPPED)
    (tmp_path / "test_two.py").write_text("import unittest\nclass T(unittest.TestCase):\n def test_it(self): pass\n")
    assert said("-m", "pytest", "-q", cwd=tmp_path) == ""
    assert said("-m", "unittest", "discover", cwd=tmp_path) == ""


def test_a_test_that_fails_as_expected_has_run(tmp_path):
    expected = "import pytest\n@pytest.mark.xfail\ndef test_x(): assert 0\n"
    (tmp_path / "test_one.py").write_text(SKIPPED + expected)
    assert said("-m", "pytest", "-q", cwd=tmp_path) == ""


CARGO = "test result: ok. {} passed; 0 failed; {} ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
NODE = "# tests 1\n# suites 0\n# pass {}\n# fail {}\n# cancelled 0\n# skipped {}\n"
SAID_NOTHING_RAN = {
    "Test Suites: 1 skipped, 0 of 1 total\nTests:       3 skipped, 3 total\n": "jest skipped every test",
    " Test Files  1 skipped (1)\n      Tests  3 skipped (3)\n": "vitest skipped every test",
    CARGO.format(0, 1) + CARGO.format(0, 0): "cargo ran no test",
    "ok  \texample.org/a\t0.002s [no tests to run]\n?   \texample.org/b\t[no test files]\n": "go ran no test",
    "?   \texample.org/b\t[no test files]\n": "go ran no test",
    NODE.format(0, 0, 1): "node ran no test",
    NODE.format(0, 0, 1).replace("# ", "\N{INFORMATION SOURCE} "): "node ran no test",
    "1 skipped in 0.01s\n======= 2 skipped, 1 warning in 0.1s =======\n": "pytest skipped every test",
}
SAID_SOME_RAN = [
    "Test Suites: 1 passed, 1 total\nTests:       2 skipped, 4 passed, 6 total\n",
    "Tests:       3 skipped, 3 total\nTests:       4 passed, 4 total\n",
    "      Tests  4 passed | 3 skipped (7)\n",
    CARGO.format(3, 0) + CARGO.format(0, 0),
    CARGO.format(0, 0) + CARGO.format(3, 0),
    "?   \texample.org/b\t[no test files]\nok  \texample.org/a\t0.002s\n",
    "?   \texample.org/b\t[no test files]\nok  \texample.org/a\t(cached)\tcoverage: 50.0% of statements\n",
    NODE.format(1, 0, 0),
    "3 skipped in 0.01s\n===== 1 failed, 2 passed, 1 skipped in 0.1s =====\n",
    "3 skipped in 0.01s\n1 skipped, 1 xfailed in 0.1s\n",
    "Ran 2 tests in 0.000s\n\nOK (skipped=2)\n...\nRan 2 tests in 0.000s\n\nOK (skipped=1)\n",
    "Ran 12 tests in 0.000s\n\nOK (skipped=1)\n",
]


@pytest.mark.parametrize(("output", "reason"), SAID_NOTHING_RAN.items())
def test_runners_of_which_no_part_ran_a_test(output, reason):
    assert verdict(PASSED, output) == reason


@pytest.mark.parametrize("output", SAID_SOME_RAN)
def test_runners_of_which_some_part_ran_a_test(output):
    assert verdict(PASSED, output) == ""


def test_a_run_without_any_test_counts_beside_one_that_had_some():
    assert verdict(PASSED, "Ran 0 tests in 0.000s\n\nOK\n3 passed in 0.1s\n") == "unittest ran no test"


def test_tests_that_ran(tmp_path):
    (tmp_path / "test_one.py").write_text("import unittest\nclass T(unittest.TestCase):\n def test_it(self): pass\n")
    assert said("-m", "pytest", "-q", cwd=tmp_path) == ""
    assert said("-m", "unittest", "discover", cwd=tmp_path) == ""


@pytest.mark.parametrize(
    "output",
    [
        "we have no tests ran by hand",
        "10 passing",
        "2 passed, 1 deselected in 0.1s",
        "Ran 10 tests in 0.1s",
        "see no tests found here",
    ],
)
def test_words_that_only_look_alike(output):
    assert verdict(Completed(code=0, out=b"", err=b""), output) == ""


def test_statuses_and_signals():
    assert verdict(Completed(code=3, out=b"", err=b""), "") == "it ended with exit status 3"
    assert verdict(Completed(code=-9, out=b"", err=b""), "") == "it was ended by signal 9"
    assert "longer than" in verdict(Completed(code=-9, out=b"", err=b"", timed_out=True), "")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit", ["\n", " \n", "\t", " ", "= ", "1 a, ", "1", "ok ", "ok\n", "Ran 1 test in \n", "Tests: 1 skipped, "]
)
def test_output_that_was_made_to_be_slow_to_judge_is_judged_at_once(unit):
    """Quadratic patterns would take hours for so much, with the engine standing still."""
    output = unit * (1_000_000 // len(unit))
    assert verdict(Completed(code=0, out=b"", err=b"", seconds=1.0, timed_out=False), output) == ""
