"""When has a line of a check passed? What a runner says of itself counts before its exit status.

A runner that says it ran no test has proven nothing. Some say so of every part of a suite (a package, a crate) that
happens to hold none, or of one that is skipped as a whole on this machine; that counts only where no part ran a test.
"""

from __future__ import annotations

import re

from workspaces.ports import Completed

NO_TESTS = (
    (re.compile(r"(?m)^(=+ )?(no tests ran|no tests collected)\b"), "pytest ran no test"),
    (re.compile(r"(?m)^(=+ )?\d+ deselected(, \d+ warnings?)? in "), "pytest ran no test"),
    (re.compile(r"(?m)^Ran 0 tests in "), "unittest ran no test"),
    (re.compile(r"(?mi)^no tests? found"), "the runner found no test"),
    (re.compile(r"(?m)^[ \t]*0 passing\b"), "the runner ran no test"),
)
"""A whole run without a test: pytest, unittest, jest and others, mocha."""
NONE_HERE = (
    (re.compile(r"(?m)^(=+ )?\d+ skipped(, \d+ (deselected|warnings?))* in "), "pytest skipped every test"),
    (re.compile(r"(?m)^Ran (\d+) tests? in [^\n]*\n+OK \(skipped=\1\)"), "unittest skipped every test"),
    (re.compile(r"(?m)^Tests: +(\d+) (skipped|todo), \1 total"), "jest skipped every test"),
    (re.compile(r"(?m)^ *Tests +(\d+) (skipped|todo) \(\1\)"), "vitest skipped every test"),
    (re.compile(r"(?m)^test result: ok\. 0 passed; 0 failed;"), "cargo ran no test"),
    (re.compile(r"(?m)^ok\s.*\[no tests to run\]|^\?\s.*\[no test files\]"), "go ran no test"),
    (re.compile(r"(?m)^\S pass 0\n\S fail 0$"), "node ran no test"),
)
RAN = re.compile(
    r"(?m)^[= ]*(Tests:? +)?(\d+ \w+(, | \| ))*[1-9]\d* (passed|failed|xfailed|xpassed|passing)\b"
    r"|^Ran (?P<all>[1-9]\d*) tests? in [^\n]*\n+OK(?! \(skipped=(?P=all)\))"
    r"|^test result: \w+\. [1-9]"
    r"|^ok\s+\S+\s+(\(\w+\)|[\d.]+s)(?!.*\[no tests to run\])"
    r"|^\S pass [1-9]"
)
"""The same runners, of a part in which some test ran."""


def verdict(done: Completed, output: str, *, limit: float) -> str:
    """Why a line did not pass; empty when it did. `limit` is how many seconds it was given."""
    if silent := _ran_nothing(output):
        return silent
    if done.timed_out:
        return f"it took longer than {limit:g} s and was ended"
    if done.code != 0:
        return f"it ended with exit status {done.code}" if done.code > 0 else f"it was ended by signal {-done.code}"
    return ""


def _ran_nothing(output: str) -> str:
    known = NO_TESTS if RAN.search(output) else NO_TESTS + NONE_HERE
    return next((reason for pattern, reason in known if pattern.search(output)), "")
