"""What holds for all tests."""

import os
import sys

sys.dont_write_bytecode = False  # else each worker rewrites the assertions of all tests anew, for five seconds


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: much of what is tested waits for processes of its own."""
    return (os.cpu_count() or 1) + 1
