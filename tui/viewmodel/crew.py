"""The crew as rows: who needs a person first, then all others in the crew's own order, so that nobody jumps about.

Only where there is no room for all, who works is shown before who waits and who rests. Where there is plenty, the last
line an agent printed has a line of its own.

A row is made again only when something it shows is another: what is said of the agent, its age, its last line, the
width. The first nine have the digit that goes to them.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple, cast

from engine.core.standing import OfAgent
from engine.core.state import ROOT, Agent
from tui import cells
from tui.faces import AGENT_FACES
from tui.viewmodel import motion
from tui.viewmodel.ages import Today, age
from tui.viewmodel.amounts import spans, told
from tui.viewmodel.board import Board
from tui.viewmodel.filtering import matches
from tui.viewmodel.keys import key
from tui.viewmodel.lines import BLANK, Line, Row, Span, apart, clean, columns, fit, joined, line, state
from tui.viewmodel.listing import Listing

RANKS = {
    "unkillable": 0, "failed": 1, "waiting": 2, "killing": 3, "stopping": 3, "working": 4, "starting": 4, "paused": 5,
    "idle": 6, "stopped": 7,
}  # fmt: skip
_WAITS = {"budget": 2, "permission": 2, "provider": 5}
"""Of who waits with a step: a provider comes back by itself."""
NEEDS_YOU = 2
"""The last rank of those who wait for a person."""
STATE, NAME, LEAST_TASK = 12, 16, 6
LINES, MOST_LINES = 2, 3
"""Lines of a row, and where the last line printed has its own."""
INDENT = Span("  ")


class _Shown(NamedTuple):
    """All that a row depends on."""

    stands: OfAgent
    version: int
    used: tuple[Span, ...]
    when: str
    last: str
    room: int
    number: int
    name: int
    height: int
    live: bool


def rows(board: Board, room: int, wanted: str = "", lines: int = 0) -> Listing:
    """Each agent as two or three lines, in that many cells and `lines` in all; only those a filter lets through."""
    today = Today(board.now())
    size = min(max(map(cells.width, board.state.agents), default=0), NAME)
    fits = len(board.state.agents) * LINES <= lines
    found = [
        (_rank(stands, agent, fits=fits), number, agent, stands)
        for number, (name, agent) in enumerate(board.state.agents.items(), 1)
        if _wanted(stands := board.agent(name), agent, wanted)
    ]
    found.sort(key=itemgetter(0, 1))
    height = MOST_LINES if len(board.state.agents) * MOST_LINES <= lines else LINES

    def row(place: int) -> Row:
        _, number, agent, stands = found[place]
        last = _last(board, agent, stands)
        used, when = (*spans(agent), Span(told(agent), "dim")), _when(stands, today)
        shown = _Shown(stands, agent.version, used, when, last, room, number, size, height, board.live)
        return _kept(board, agent, shown)

    return Listing([key("agent", agent.spec.name) for _, _, agent, _ in found], row, height=height)


def _rank(stands: OfAgent, agent: Agent, *, fits: bool) -> int:
    rank = _WAITS.get(agent.waits, RANKS.get(stands.word, 4))
    return rank if rank <= NEEDS_YOU or not fits else NEEDS_YOU + 1


def _wanted(stands: OfAgent, agent: Agent, wanted: str) -> bool:
    task = stands.stage.task if stands.stage else ""
    return not wanted or matches(wanted, agent.spec.name, stands.word, task, agent.spec.pool)


def _last(board: Board, agent: Agent, stands: OfAgent) -> str:
    tail = board.tails.get(agent.spec.name)
    return tail.last if tail is not None and stands.word in motion.AGENTS else ""


def nth(board: Board, number: int) -> str:
    """The key of the agent with that digit; empty when there are fewer."""
    names = list(board.state.agents)
    return key("agent", names[number - 1]) if 0 < number <= len(names) else ""


def _when(stands: OfAgent, today: Today) -> str:
    return age(today.now - stands.since) if stands.word in motion.AGENTS else today.since(stands.since)


def _kept(board: Board, agent: Agent, shown: _Shown) -> Row:
    name = key("agent", agent.spec.name)
    before = board.kept.get(name)
    if before is not None and before[0] == shown:
        return cast("Row", before[1])
    below = (_second(agent, shown), _third(agent, shown)) if shown.height == MOST_LINES else (_second(agent, shown),)
    row = Row(name, (_first(agent, shown), *below))
    board.kept[name] = (shown, row)
    return row


def _first(agent: Agent, shown: _Shown) -> Line:
    stands = shown.stands
    digit = Span(f"{shown.number} " if shown.number <= 9 else "  ", "dim")
    name = line(digit, Span(clean(agent.spec.name), "bold"))
    word = line(state(AGENT_FACES.get(stands.word, "note"), stands.word))
    stage = stands.stage if shown.live else None
    task = line("the run" if stage.task == ROOT else clean(stage.task)) if stage is not None else BLANK
    right = line(Span(shown.when, "dim"))
    room = shown.room - STATE - 2 - shown.name - 2
    if room < LEAST_TASK:
        return fit(columns((word, name), (STATE, shown.name + 2), gap=1), shown.room)
    return apart(columns((word, name, task), (STATE, shown.name + 2, max(room, 0)), gap=1), right, shown.room)


def _second(agent: Agent, shown: _Shown) -> Line:
    """Whether it is scripted, what its state rests on, what it used; behind that the last it said, by itself.

    With three lines the last one is for what it said, and of who rests for what that rests on.
    """
    rests = line(Span(evidence(shown.stands, agent), "dim"))
    parts = [
        line(Span("scripted", "note")) if agent.spec.runtime == "scripted" else BLANK,
        rests if shown.height == LINES or _moves(shown) else BLANK,
        *(line(part) for part in shown.used if part.text),
        line(Span(shown.last, "")) if shown.height == LINES else BLANK,
    ]
    return fit((INDENT, *joined(parts)), shown.room)


def _moves(shown: _Shown) -> bool:
    return shown.stands.word in motion.AGENTS


def _third(agent: Agent, shown: _Shown) -> Line:
    told = Span(shown.last) if _moves(shown) else Span(evidence(shown.stands, agent), "dim")
    return fit((INDENT, told), shown.room)


def evidence(stands: OfAgent, agent: Agent) -> str:
    """What its state rests on, in few words where the row says the rest."""
    stage = stands.stage
    if stage is not None and stands.word == "working":
        asked = ", asked to pause" if agent.pause else ""
        return f"{stage.kind} {stage.round}, pid {stands.pid}{asked}"
    return clean(stands.evidence.partition(" (`quarterdeck")[0] if agent.waits else stands.evidence)
