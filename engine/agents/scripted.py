"""An agent that plays a script instead of asking a model: for demos and tests, and labelled so on every screen.

It is a command agent in everything else: a program of its own that edits a clone and knows only the contract.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from engine.agents import player
from engine.agents.base import Brief, Keeper, NoCommand, OnUpdate, Session
from engine.agents.command import start_program


class ScriptedAdapter:
    """Plays the script that `brief.command` names, by its path inside the clone."""

    scripted = True

    def home(self, brief: Brief) -> Mapping[str, bytes]:  # noqa: ARG002  the protocol's
        """Nothing: the player needs none."""
        return {}

    def environment(self, brief: Brief) -> Mapping[str, str]:  # noqa: ARG002  the protocol's
        """Nothing: a script asks no model."""
        return {}

    async def start(self, brief: Brief, keeper: Keeper, on_update: OnUpdate) -> Session:
        """Start the player, under the interpreter that runs Quarterdeck; it sees no module of the clone (-P)."""
        if len(brief.command) != 1:
            raise NoCommand(brief.agent, "the path of one script in the repository")
        argv = (sys.executable, "-P", player.__file__, brief.command[0])
        return await start_program(brief, argv, keeper, on_update)
