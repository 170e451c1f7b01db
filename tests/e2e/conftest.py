"""Every test here has a repository and a real engine of its own."""

from contextlib import nullcontext

import pytest
from support.engines import a_place
from support.preloaded import preloaded


@pytest.fixture
def place(request, monkeypatch):
    """In a module with `STARTED_ANEW` the engine is a fresh interpreter, as it is for a person; else it is forked."""
    anew = getattr(request.module, "STARTED_ANEW", False)
    with nullcontext() if anew else preloaded(), a_place(monkeypatch) as found:
        yield found
