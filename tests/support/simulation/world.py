"""The whole system in one deterministic world: the mind, a journal, fake hands, a fake clock, a person, and accidents.

A seeded scheduler picks each next step. Nothing leaves the mind before it is durable: effects begin and end by what
`Wanted` folds out of durable events, as in the real runtime. First there is chaos, then calm: faults stop, a helpful
person does what the run at rest asks for, and the run must end within a bounded number of steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

import msgspec
from support.simulation import person, setup
from support.simulation.hands import Faults, Hands, Running
from support.simulation.journal import Journal
from support.simulation.laws import Laws, at_the_end
from support.simulation.laws_of_money import Broken, hold
from support.simulation.repository import Repository

from engine.core import commands as c
from engine.core import events as e
from engine.core.decide import Mind
from engine.core.errors import Refused
from engine.core.state import State
from engine.runtime.wanted import Effect, Wanted

PATIENCE = 4_000
"""Steps after which a run in calm counts as one that never ends."""


def faults_of(rng: Random) -> Faults:
    """How bad it gets in one world."""
    level = rng.choice((0.0, 0.1, 0.25))
    kinds = ("breaks", "lost", "hangs", "doubles", "stale", "rejects", "red", "bad_plans", "parks")
    return Faults(**{kind: level * rng.random() for kind in kinds})


class World:
    """One seed's world."""

    def __init__(
        self,
        seed: int,
        *,
        faults: Faults | None = None,
        mind: type[Mind] = Mind,
        trace: Callable[[e.Event], None] | None = None,
    ) -> None:
        self.seed, self.rng = seed, Random(seed)
        self.repo, self.journal = Repository(), Journal()
        self.faults = faults or faults_of(self.rng)
        self.hands = Hands(self.rng, self.repo, self.faults, self.report)
        self.laws = Laws(self.repo, self.hands.ledger)
        self.running: dict[Effect, Running] = {}
        self.wanted = Wanted()
        self.steps = 0
        self.up = False
        self._new_mind, self._trace = mind, trace
        self.mind = mind()
        self._epoch = 0
        self._told_frozen: set[str] = set()
        self._killed: list[str] = []  # gone from the world, not yet said
        self._holds: dict[str, str] = {}  # hold files
        self._snapshot: bytes | None = None

    @property
    def state(self) -> State:
        """What is so."""
        return self.mind.state

    # -- the way in ----------------------------------------------------------------------------------------------------

    def decide(self, command: c.Command, actor: str = "engine") -> bool:
        """Ask the mind; False where it refused, which changed nothing."""
        before = msgspec.msgpack.encode(self.state) if isinstance(command, c.Request) else b""
        old = isinstance(command, c.Finished | c.GatePassed | c.Began) and self.laws.old(command.stage, command.lease)
        twin = self._twin()
        try:
            events = self.mind.decide(command, at=self.hands.now, actor=actor)
        except Refused:
            hold(msgspec.msgpack.encode(self.state) == before, f"a refused {command} changed something")
            return False
        hold(not old or {event.kind for event in events} <= {"result_ignored"}, f"an old lease counts: {command}")
        if twin is not None:
            same = twin.decide(command, at=self.hands.now, actor=actor) == events
            hold(same, f"a mind loaded this moment decides otherwise about {command}")
        self.journal.append(events)
        if self._trace is not None:
            for event in events:
                self._trace(event)
        self.laws.saw(events)
        return True

    def _twin(self) -> Mind | None:
        """Now and then a mind loaded this moment: the index it builds over the state must lead to the same."""
        if self.rng.random() >= 0.04:
            return None
        return self._new_mind(msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=State))

    def report(self, report: c.Reports) -> int:
        """What a hand says; the seq of what followed."""
        self.decide(report)
        return self.state.seq

    # -- the engine's life ---------------------------------------------------------------------------------------------

    def come_up(self) -> None:
        """An engine takes the record up."""
        self._epoch += 1
        self.up = True
        self.wanted = Wanted.of(self.state)
        held = {name: how for name, how in self._holds.items() if name in self.state.agents}
        self.decide(
            c.CameUp(epoch=self._epoch, pid=self._epoch, version="0", confinement="unconfined", held=held)  # type: ignore[arg-type]
        )
        self.hands.purse.recover(self.journal.replay())
        if not self.repo.edited:
            self._clear()  # whatever waits is looked at again, as the way may have been cleared while nobody looked
        self.sync()

    def crash(self) -> None:
        """The engine dies at once, with everything in its memory and every process it kept."""
        before = list(self.journal.durable)
        self.journal.crash(self.rng)
        hold(self.journal.durable[: len(before)] == before, "a durable event was lost")
        self.up = False
        self.running.clear()
        self.hands.late.clear()
        self._killed.clear()
        self._told_frozen.clear()
        self.mind = self._new_mind()
        self.mind.replay(self.journal.replay())
        self.hands.answers.clear()
        run = self.state.run
        self.hands.asleep = run is not None and run.outcome is not None
        self._same_from_snapshot()
        self._same_wanted()
        self.laws = Laws(self.repo, self.hands.ledger)
        self.laws.saw(self.journal.replay(), again=True)

    def go_down(self) -> None:
        """The engine ends in order."""
        self.decide(c.GoesDown(reason="down"))
        self.sync()
        self.crash()

    def _same_from_snapshot(self) -> None:
        if self._snapshot is not None:
            other = Mind(msgspec.msgpack.decode(self._snapshot, type=State))
            other.replay(self.journal.replay(other.state.seq))
            hold(other.state == self.state, "a snapshot and its tail lead elsewhere than the whole record")

    def _same_wanted(self) -> None:
        folded = Wanted()
        for event in self.journal.replay():
            folded.take(event)
        hold(folded == Wanted.of(self.state), f"wanted by fold: {folded}; by state: {Wanted.of(self.state)}")

    def sync(self) -> None:
        """What was decided becomes durable, and the world follows."""
        for event in self.journal.sync():
            self.wanted.take(event)
            if event.kind == "agent_resumed":
                self._holds.pop(event.agent, None)
                self._told_frozen.discard(event.agent)  # frozen again at once, it is to be said again
            self._seen(event)
        if self.rng.random() < 0.02:
            self._snapshot = msgspec.msgpack.encode(self.state)
        self._reconcile()

    def _seen(self, event: e.Event) -> None:
        """What leaves the engine once it is durable: to the gateway, to agents that asked, to whoever looks."""
        data = event.data
        self.hands.purse.durable(event)
        if isinstance(data, e.PermissionGiven):
            self.hands.answers[data.stage, data.lease, data.ask] = data.allow
        if isinstance(data, e.RunEnded | e.RunResumed | e.RunStarted):
            self.hands.asleep = isinstance(data, e.RunEnded)

    def _reconcile(self) -> None:
        gone = [effect for effect in self.running if effect not in self.wanted.effects]
        self.hands.purse.left_by([self.running.pop(effect).stage.agent for effect in gone])
        run = self.state.run
        for effect in sorted(self.wanted.effects - self.running.keys()):
            stage = run.stages.get(effect.stage) if run else None
            if stage is None or stage.lease != effect.lease or not (stage.agent or stage.kind == "wait"):
                continue
            if stage.agent not in self._killed and not self._told(effect):
                self.running[effect] = self.hands.begin(self.state, effect, msgspec.structs.replace(stage))

    def _told(self, effect: Effect) -> bool:
        return any((late.stage, late.lease) == effect for late in self.hands.late)

    # -- one step ------------------------------------------------------------------------------------------------------

    def possible(self) -> list[Callable[[], None]]:
        """What can happen next by itself, time apart."""
        steps: list[Callable[[], None]] = []
        if not self.journal.idle:
            steps += [self.sync, self.sync]
        steps += [partial(self._step, effect) for effect in self.running if self._ready(effect)]
        if self.hands.late:
            steps.append(self._deliver)
        if self.wanted.frozen - self._told_frozen or self.wanted.ending or self._killed:
            steps.append(self._supervise)
        due = self.hands.purse.due(self.state, self.hands.now)
        steps += [partial(self.hands.purse.unpark, name) for name in due]
        return steps

    def _ready(self, effect: Effect) -> bool:
        until, agent = self.running[effect].until, self.running[effect].stage.agent
        durable = not until.seq or until.seq <= len(self.journal.durable)
        if until.answer is not None and until.answer not in self.hands.answers:
            return False
        if until.parked in self.hands.purse.parked:
            return False
        return durable and until.at <= self.hands.now and agent not in self.wanted.frozen

    def _step(self, effect: Effect) -> None:
        running = self.running[effect]
        try:
            until = next(running.steps)
        except StopIteration:
            self.running.pop(effect, None)
            return
        if until is not None:
            running.until = until

    def _deliver(self) -> None:
        self.report(self.hands.late.pop(self.rng.randrange(len(self.hands.late))))

    def _supervise(self) -> None:
        self._told_frozen &= self.wanted.frozen
        for name in sorted(self.wanted.frozen - self._told_frozen):
            self._told_frozen.add(name)
            self.report(c.Froze(agent=name, processes=2))
        for name in sorted(self.wanted.ending):
            self._forget(name)
            self.report(c.Ended(agent=name, proof="nothing is left", processes=1))
        for name in self._killed:
            self.report(c.Killed(agent=name, gone=True, proof="nothing is left", processes=1, ms=1.0))
        self._killed.clear()

    def _forget(self, agent: str) -> None:
        for effect in [effect for effect, running in self.running.items() if running.stage.agent == agent]:
            del self.running[effect]
        self.hands.purse.left_by([agent])

    def _kill(self) -> None:
        name = self.rng.choice(sorted(self.state.agents))
        self._forget(name)
        self._holds[name] = "kill"
        if self.rng.random() < 0.2:
            self.report(c.Killed(agent=name, gone=False, proof="it is in D state", processes=1, ms=1.0))
        if name not in self._killed:
            self._killed.append(name)

    def pass_time(self) -> bool:
        """Turn the clock to the next timer; False where there is none."""
        timers = [running.until.at for running in self.running.values() if running.until.at > self.hands.now]
        timers += [until for until in self.hands.purse.parked.values() if until > self.hands.now]
        if timers:
            self.hands.now = min(timers)
        return bool(timers)

    # -- chaos, then calm ----------------------------------------------------------------------------------------------

    def chaos(self) -> None:
        """One step of anything."""
        self.steps += 1
        luck = self.rng.random()
        if not self.up:
            self.come_up()
        elif luck < 0.02 and self.faults.breaks:
            self.crash()
        elif luck < 0.025:
            self.go_down()
        elif luck < 0.035 and self.state.agents:
            self._kill()
        elif luck < 0.05:
            self._person_edits()
        elif luck < 0.13:
            self._ask(person.something(self.rng, self.state))
        else:
            self._go_on()

    def _ask(self, request: c.Requests | None) -> None:
        if request is None:
            return
        self.decide(request, actor="me")

    def _person_edits(self) -> None:
        if self.rng.random() < 0.3:
            self.repo.person_commits(f"p{self.rng.randrange(6)}", f"me{self.steps}")
        elif self.repo.edited:
            self._clear()
        else:
            self.repo.edited = True

    def _clear(self) -> None:
        self.repo.edited = False
        run = self.state.run
        for stage in list(run.stages.values()) if run else ():
            if stage.obstacle:
                self.report(c.Cleared(stage=stage.id))

    def _go_on(self) -> None:
        steps = self.possible()
        if steps:
            self.rng.choice(steps)()
        elif not self.pass_time():
            self._ask(person.something(self.rng, self.state))

    def calm(self) -> None:
        """Nothing goes wrong any more, and a person helps: the run must end."""
        self.hands.faults = Faults(looks_for_trailer=self.faults.looks_for_trailer, gates=self.faults.gates)
        for _ in range(PATIENCE):
            run = self.state.run
            if run is not None and run.outcome in {"verified", "failed"} and self.journal.idle:
                return
            if not self.up:
                self.come_up()
                continue
            steps = self.possible()
            if steps:
                self.rng.choice(steps)()
            elif not self.pass_time():
                self._help()
        run = self.state.run
        raise Broken(f"it does not come to an end: {run.outcome if run else None} {run.reason if run else ''}")

    def _help(self) -> None:
        wishes = person.helpful(self.rng, self.state)
        if self.repo.edited:
            self._clear()
        else:
            run = self.state.run
            hold(bool(wishes), f"stuck: {run.outcome if run else ''} {run.reason if run else ''} {run and run.stages}")
        for wish in wishes:
            self.decide(wish, actor="me")

    def live(self) -> World:
        """Begin, go through chaos, come to an end; raises Broken where a law does not hold."""
        self.come_up()
        self.decide(setup.start(self.rng), actor="me")
        self.sync()
        for _ in range(self.rng.randint(20, 160)):
            run = self.state.run
            if run is not None and run.outcome in {"verified", "failed"} and self.rng.random() < 0.5:
                break
            self.chaos()
        self.calm()
        self.crash()
        at_the_end(self.laws, self.state)
        return self


def simulate(seed: int, *, faults: Faults | None = None, mind: type[Mind] = Mind) -> World:
    """Live one seed through."""
    return World(seed, faults=faults, mind=mind).live()
