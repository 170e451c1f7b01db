"""What holds for all tests."""

import os


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: much of what is tested waits for processes of its own."""
    return (os.cpu_count() or 1) + 1
