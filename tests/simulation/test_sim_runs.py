"""Thousands of small runs in which everything goes wrong, each held against every law after every step."""

from __future__ import annotations

import pytest
from support.simulation.many import live_all
from support.simulation.world import simulate

SEEDS = 1_000


@pytest.mark.timeout(300)
def test_no_seed_breaks_a_law():
    broken = live_all(0, SEEDS)
    assert not broken, "\n".join(broken[:5])


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_no_seed_of_a_hundred_thousand_breaks_a_law():
    broken = live_all(SEEDS, 100_000)
    assert not broken, "\n".join(broken[:5])


def test_a_seed_always_leads_to_the_same_record():
    assert simulate(7).journal.durable == simulate(7).journal.durable
