"""These tests share a home; tests of other folders in the same process must not see it."""

from __future__ import annotations

import os


def test_what_is_kept_for_the_whole_session_leaves_the_environment_alone(premises):
    assert [name for name, value in os.environ.items() if str(premises) in value] == []


def test_a_test_at_home_has_everything_there(home):
    assert all(str(home) in os.environ[name] for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"))
