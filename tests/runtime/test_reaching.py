"""A run is not gone on with by an engine that has not been handed the keys of its agents' models."""

from __future__ import annotations

import pytest

from engine.api.calls import CallRefused
from engine.config.settings import Settings
from engine.runtime.preflight import reaching

SETTINGS = Settings.model_validate({
    "project": {"check": ["true"]},
    "agents": {"builder": {"runtime": "claude"}},
    "gateway": {"anthropic": {"key": "env:A_KEY"}},
})  # fmt: skip


def test_without_its_key_it_is_refused_with_the_way_out():
    with pytest.raises(CallRefused, match=r"A_KEY.*run --resume"):
        reaching(SETTINGS, {"PATH": "/usr/bin"})


def test_with_its_key_it_goes_on():
    reaching(SETTINGS, {"A_KEY": "sk-test-a"})
