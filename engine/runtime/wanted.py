"""What should be under way in the world: a small fold over durable events, from which effects are started and ended.

Level-triggered: it says what is wanted, not what to do about it, so that a restart does exactly what a change does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from engine.core import events as e
from engine.core.state import State


class Effect(NamedTuple):
    """One step under one lease; a wait has lease 0 and is nobody's."""

    stage: str
    lease: int


@dataclass(slots=True)
class Wanted:
    """The effects that should run, and how agents should be: frozen, or ending.

    `pauses` is the event that last asked for each: two that follow each other at once are two.
    """

    effects: set[Effect] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    pauses: dict[str, int] = field(default_factory=dict, compare=False)
    ending: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, state: State) -> Wanted:
        """What a state asks for, all of it durable."""
        wanted = cls()
        if state.run is not None:
            wanted.effects = {
                Effect(stage.id, stage.lease)
                for stage in state.run.stages.values()
                if stage.agent or stage.kind == "wait"
            }
        wanted.frozen = {name for name, agent in state.agents.items() if agent.pause}
        wanted.ending = {name for name, agent in state.agents.items() if agent.ending}
        return wanted

    def take(self, event: e.Event) -> None:
        """Fold in a durable event."""
        data = event.data
        match data:
            case e.RunStarted():
                self.effects, self.frozen, self.ending = set(), set(), set()
            case e.StageAssigned():
                self.effects.add(Effect(data.stage, data.lease))
            case e.StageOpened() if data.kind == "wait":
                self.effects.add(Effect(data.stage, 0))
            case e.StageClosed() | e.StageCancelled() | e.StageInterrupted() | e.MergeWaiting():
                self.effects = {effect for effect in self.effects if effect.stage != data.stage}
            case e.AgentPauseAsked():
                self.frozen.add(event.agent)
                self.pauses[event.agent] = event.seq
            case e.AgentResumed():
                self.frozen.discard(event.agent)
                self.ending.discard(event.agent)
            case e.AgentHeld():
                self.frozen.discard(event.agent)
                (self.ending.add if data.how == "stop" else self.ending.discard)(event.agent)
            case e.AgentStopped() | e.AgentKilled():
                self.ending.discard(event.agent)
            case _:
                pass
