"""Every test here has a repository and a real engine of its own."""

import pytest
from support.engines import a_place


@pytest.fixture
def place(monkeypatch):
    with a_place(monkeypatch) as found:
        yield found
