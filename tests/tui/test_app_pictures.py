"""The whole dashboard, kept as pictures: at three sizes with a decision that is owed."""

import asyncio
import time

import pytest
from support.dash import opened, playing
from support.snapshots import check


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("dashboard-80x24", (80, 24), ()),
        ("dashboard-120x36", (120, 36), ()),
        ("dashboard-200x60", (200, 60), ("v",)),
    ],
)
def test_the_dashboard_looks_as_it_did(name, size, keys):
    async def scenario(engine):
        engine.asks()
        engine.do(lambda fake: fake.clones.update({"builder-2": {"store.py": "kept = {}"}}))
        engine.do(lambda fake: fake.say("builder-2", "reading the parser\nedited store.py\n"))
        async with opened(engine, size) as dash:
            await dash.sees("asks you", "transcript of builder-2", "edited store.py")
            await dash.press(*keys)
            if "v" in keys:
                await dash.sees("kept = {}")
            await dash.settles()
            check(dash.app, name)

    with playing() as engine:
        asyncio.run(scenario(engine))
