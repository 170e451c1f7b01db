"""The tiers of this machine, one by one: each mechanism by its own probe, and marks that run a test in several."""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.processes.confinement.probe import probe
from engine.processes.confinement.tiers import UNCONFINED, Mechanism, Tier

EVERY: tuple[Mechanism, ...] = ("namespaces", "bubblewrap", "landlock", "none")
CONFINED, STRONG = EVERY[:3], EVERY[:2]


@functools.cache
def found(mechanism: Mechanism) -> Tier:
    """What a probe of this mechanism alone finds."""
    if mechanism == "none":
        return UNCONFINED
    with tempfile.TemporaryDirectory(prefix="qdp-") as scratch:
        return asyncio.run(probe((mechanism,), scratch=Path(scratch)))


def tier_by(mechanism: Mechanism) -> Tier:
    """The tier that rests on a mechanism; the test is skipped, with the probe's reason, where there is none."""
    tier = found(mechanism)
    if tier.mechanism != mechanism:
        pytest.skip(f"{mechanism}: {dict(tier.tried).get(mechanism, 'not here')}")
    return tier


def each(mechanisms: Sequence[Mechanism]) -> pytest.MarkDecorator:
    """Run the test once for each, by its name `mechanism`."""
    return pytest.mark.parametrize("mechanism", mechanisms)
