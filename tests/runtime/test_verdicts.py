"""When has a line of a check passed? A runner that says it ran no test has proven nothing, whatever it exits with."""

import os
import subprocess
import sys

import pytest

from engine.runtime.gates import verdict
from workspaces.ports import Completed


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
