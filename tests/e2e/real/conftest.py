"""A scripted model for each test, and agents that are really installed."""

import tempfile
from pathlib import Path

import pytest
from support import real_agents
from support.assignments import Bench
from support.llm import model


@pytest.fixture
def llm():
    with model() as scripted:
        yield scripted


@pytest.fixture
def bench(llm):
    """`bench("claude")`: one agent at work, without an engine; nothing of it may be left at the end."""
    benches = []
    with tempfile.TemporaryDirectory(prefix="qd-bench-", ignore_cleanup_errors=True) as folder:

        def make(runtime, program="", **fields):
            real_agents.need(program or runtime)
            benches.append(Bench(Path(folder) / str(len(benches)), runtime, llm, **fields))
            return benches[-1]

        yield make
        assert [one.left() for one in benches] == [[]] * len(benches)
