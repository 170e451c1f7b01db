"""Words shared with whoever shows and asks: amounts as people write them, the variables a client hands over."""

from __future__ import annotations

from collections.abc import Mapping

from engine.agents.environment import allowed_environment
from engine.config.userfile import named_keys, user_file
from engine.config.vendors import VENDORS
from engine.core.amounts import BadAmount
from engine.core.amounts import parse as parse_amount

__all__ = ["BadAmount", "allowed_environment", "handed_over", "parse_amount"]


def handed_over(source: Mapping[str, str]) -> dict[str, str]:
    """What the client that starts a run hands over: what programs may see, and the keys that gateways are to use.

    The keys are those that the user's own settings name, and the vendors' usual ones. The engine keeps them in memory
    only, and no program that it starts gets them.
    """
    usual = {vendor.key for vendor in VENDORS.values()}
    return allowed_environment(source, named=named_keys(user_file(source)) | usual)
