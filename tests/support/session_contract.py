"""What a session can do over every link, before every engine. A test module inherits it and says how to connect."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

import pytest
from support.aio import run

from engine.api import frames
from engine.api.calls import PAGE, PROTOCOL, CallRefused
from engine.api.errors import EngineGone, WrongVersion
from engine.api.session import Event, Said, Session
from engine.core import commands as c
from engine.core.evolve import evolve
from engine.runtime import follower
from workspaces.artifacts.store import Artifacts

HOSTILE = ["../builder", "/etc", "builder/../builder", "", ".", "..", "a\0b", "builder\n", "x" * 5000, "\u202ex"]
LIMIT = 60.0


async def take(session, wanted, number):
    """The next so many items that are `wanted`."""
    found = []
    async for what in session:
        if wanted(what):
            found.append(what)
        if len(found) == number:
            return found
    raise AssertionError("the stream ended")


def is_event(what):
    return isinstance(what, Event)


def is_said(what):
    return isinstance(what, Said)


async def seqs(session, number):
    return [event.seq for event in await take(session, is_event, number)]


async def until(session, wanted):
    """All that comes up to the first item that is `wanted`, which is the last of the list."""
    found = []
    async for what in session:
        found.append(what)
        if wanted(what):
            return found
    raise AssertionError("the stream ended")


class SessionContract:
    """Needs two fixtures: `served` as in `client_contract`, and `link`, a coroutine function that gives a new Link.

    Besides, `served` has `say(line)`, `count(number)` and `write(path, text)`: what the builder is to do. They may block.
    """

    @pytest.fixture
    def play(self, link):
        """Run a scenario with a function that opens sessions, which are closed at its end."""

        @asynccontextmanager
        async def opening():
            sessions = []

            async def new():
                sessions.append(await Session.open(await link()))
                return sessions[-1]

            try:
                yield new
            finally:
                for session in sessions:
                    await session.close()

        def run_it(scenario):
            async def all_of_it():
                async with asyncio.timeout(LIMIT), opening() as new:
                    await scenario(new)
                assert asyncio.all_tasks() == {asyncio.current_task()}

            run(all_of_it())

        return run_it

    # -- greeting --------------------------------------------------------------------------------------------------

    def test_an_engine_says_who_it_is(self, play, served):
        async def scenario(new):
            welcome = (await new()).engine
            assert (welcome.protocol, welcome.version) == (PROTOCOL, served.engine.version)
            assert welcome.seq == served.seq()

        play(scenario)

    def test_an_engine_of_another_version_is_told_apart(self, play, monkeypatch):
        async def scenario(new):
            monkeypatch.setattr(frames, "VERSION", "0.0.0")
            with pytest.raises(WrongVersion, match="quarterdeck down"):
                await new()

        play(scenario)

    def test_a_client_of_another_protocol_may_only_end_the_engine(self, play, link):
        async def scenario(new):
            raw = await link()
            await raw.send(frames.encode(frames.Hello(protocol=99, version="9")))
            assert frames.answered(await raw.receive()).protocol == PROTOCOL
            await raw.send(frames.encode(frames.Query(id=7, what="state")))
            refused = frames.answered(await raw.receive())
            assert (refused.id, refused.code) == (7, "version")
            await raw.send(frames.encode(frames.End(id=8)))
            assert frames.answered(await raw.receive()).id == 8
            await raw.close()

        play(scenario)

    # -- calls -----------------------------------------------------------------------------------------------------

    def test_a_request_is_answered_with_the_events_that_followed(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            asked = (await session.submit(c.PauseAgent(agent="builder"), actor="ann"))[0]
            assert (asked["kind"], asked["agent"], asked["actor"]) == ("agent_pause_asked", "builder", "ann")
            (settled,) = await session.settled("builder", "paused")
            assert (settled["agent"], settled["state"]) == ("builder", "paused")

        play(scenario)

    def test_a_refusal_carries_reason_code_and_exit_and_leaves_the_session_usable(self, play):
        async def scenario(new):
            session = await new()
            with pytest.raises(CallRefused, match='no agent "nobody"') as no:
                await session.kill("nobody")
            assert (no.value.code, no.value.exit_code) == ("unknown", 2)
            with pytest.raises(CallRefused, match="too large") as no:
                await session.submit(c.SteerAgent(agent="a", text="x" * frames.MAX_FRAME))
            assert (await session.status())["run"] is None

        play(scenario)

    def test_a_defect_is_told_to_its_caller_and_nobody_else(self, play, served):
        async def submit(request, *, actor):
            raise RuntimeError("a defect")

        async def scenario(new):
            session = await new()
            served.do(lambda engine: setattr(engine, "submit", submit))
            with pytest.raises(CallRefused, match="a defect") as no:
                await session.submit(c.StopRun())
            assert no.value.exit_code == 1
            assert (await session.status())["engine"]["pid"]

        play(scenario)

    def test_a_call_that_takes_long_holds_up_no_other(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            waiting = asyncio.create_task(session.settled("builder", "paused"))
            answers = await asyncio.gather(*(session.status() for _ in range(20)))
            assert len(answers) == 20
            assert not waiting.done()
            await session.submit(c.PauseAgent(agent="builder"))
            (answer,) = await waiting
            assert answer["proof"]

        play(scenario)

    def test_a_call_that_is_broken_off_leaves_the_session_usable(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            waiting = asyncio.create_task(session.settled("builder", "paused"))
            await session.status()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await session.submit(c.PauseAgent(agent="builder"))
            assert await session.settled("builder", "paused")

        play(scenario)

    def test_a_kill_answers_with_its_proof(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            (killed,) = await session.kill("builder")
            assert (killed["agent"], killed["gone"]) == ("builder", True)
            agents = (await session.state()).agents
            assert (agents["builder"].held, agents["builder"].gone) == ("kill", True)

        play(scenario)

    # -- state and events ------------------------------------------------------------------------------------------

    def test_a_state_and_the_events_after_it_give_the_state_later(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            state = await session.state()
            await session.subscribe(state.seq)
            await session.submit(c.PauseAgent(agent="builder"))
            await session.settled("builder", "paused")
            later = await session.state()
            while state.seq < later.seq:
                for event in await take(session, is_event, 1):
                    state = evolve(state, event) or state
            assert state == later

        play(scenario)

    def test_events_come_beside_calls(self, play, served):
        async def scenario(new):
            session = await new()
            await session.subscribe(served.seq())
            for number in range(20):
                served.notice(str(number))
                (event,) = await take(session, is_event, 1)
                assert event.data.text == str(number)
                assert (await session.status())["engine"]

        play(scenario)

    def test_ten_viewers_see_every_event(self, play, served):
        async def scenario(new):
            first = served.seq() + 1
            sessions = [await new() for _ in range(10)]
            for session in sessions:
                await session.subscribe(first - 1)
            await asyncio.to_thread(served.notice, *map(str, range(1000)))
            seen = await asyncio.gather(*(seqs(session, 1000) for session in sessions))
            assert all(each == list(range(first, first + 1000)) for each in seen)

        play(scenario)

    def test_a_client_that_does_not_take_its_events_slows_nobody_and_misses_none(self, play, served):
        async def scenario(new):
            first, number = served.seq() + 1, 20_000
            slow, other = await new(), await new()
            await slow.subscribe(first - 1)
            await asyncio.to_thread(served.notice, *(f"{n} " + "x" * 200 for n in range(number)))
            assert (await other.status())["engine"]["pid"]
            assert (await slow.state()).seq == first + number - 1
            assert await seqs(slow, number) == list(range(first, first + number))

        play(scenario)

    def test_a_subscription_begins_anew_from_where_it_says(self, play, served):
        async def scenario(new):
            served.notice("a", "b", "c", "d")
            last = served.seq()
            session = await new()
            await session.subscribe(0)
            assert await seqs(session, last) == list(range(1, last + 1))
            await session.subscribe(last - 2)
            assert await seqs(session, 2) == [last - 1, last]
            other = await new()
            await other.subscribe(last - 1)
            assert await seqs(other, 1) == [last]

        play(scenario)

    def test_the_end_of_the_engine_is_told_after_its_last_event(self, play):
        async def scenario(new):
            session = await new()
            await session.subscribe(0)
            await session.end()
            kinds = [event.kind for event in await take(session, is_event, 2)]
            assert kinds == ["engine_started", "engine_stopped"]
            with pytest.raises(EngineGone, match="the engine ended"):
                await anext(session)
            with pytest.raises(EngineGone):
                await session.status()

        play(scenario)

    # -- what agents print -----------------------------------------------------------------------------------------

    def test_lines_come_as_they_are_printed_without_what_harms_a_terminal(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            await session.follow(["builder"])
            await asyncio.to_thread(served.say, "one \x1b[31mred\x1b]0;title\x07 \u202eend")
            (first,) = await take(session, is_said, 1)
            assert (first.agent, first.attempt, first.kind, first.offset) == ("builder", 1, "work", 0)
            assert (first.text, first.missed) == ("one red end\n", 0)
            await asyncio.to_thread(served.say, "two")
            (second,) = await take(session, is_said, 1)
            assert (second.text, second.offset, second.missed) == ("two\n", first.next, 0)

        play(scenario)

    def test_who_comes_later_has_the_end_of_what_is_there_and_then_goes_on(self, play, served):
        async def scenario(new):
            early, late = await new(), await new()
            await early.start_run(served.request)
            await early.follow(["builder"])
            await asyncio.to_thread(served.count, 20_000)
            await until(early, lambda what: is_said(what) and what.text.endswith("line 20000\n"))
            await late.follow(["builder"])
            (tail,) = await take(late, is_said, 1)
            assert tail.text.startswith("line ")
            assert tail.text.endswith("line 20000\n")
            assert (tail.missed, tail.next - tail.offset) == (tail.offset, len(tail.text))
            assert 0 < len(tail.text) <= follower.TAIL
            await asyncio.to_thread(served.say, "more")
            (more,) = await take(late, is_said, 1)
            assert (more.text, more.offset, more.missed) == ("more\n", tail.next, 0)

        play(scenario)

    def test_who_is_too_slow_for_all_that_is_printed_hears_how_much_was_missed(self, play, served, monkeypatch):
        monkeypatch.setattr(follower, "BEHIND", 100_000)

        async def scenario(new):
            session, other = await new(), await new()
            await session.start_run(served.request)
            await session.follow(["builder"])
            await asyncio.to_thread(served.say, "begin")
            found = await take(session, is_said, 1)
            await asyncio.to_thread(served.count, 100_000)
            assert (await other.status())["engine"]
            found += await until(session, lambda what: what.text.endswith("line 100000\n"))
            place = 0
            for said in found:
                assert said.offset == place + said.missed
                place = said.next
            assert sum(said.missed for said in found) > 0
            assert place == (await session.transcript(agent="builder", offset=-1)).size

        play(scenario)

    def test_of_the_others_comes_the_last_line(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            await session.follow(others=True)
            await asyncio.to_thread(served.count, 5000)
            found = await until(session, lambda what: what.text == "line 5000")
            assert all("\n" not in said.text for said in found)
            assert sum(said.missed for said in found) > 0
            await session.follow(["builder"])
            (tail,) = await take(session, is_said, 1)
            assert tail.text.endswith("line 4999\nline 5000\n")

        play(scenario)

    def test_pages_of_a_transcript_are_what_was_printed(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            await session.follow(["builder"])
            await asyncio.to_thread(served.count, 3000)
            await until(session, lambda what: what.text.endswith("line 3000\n"))
            text, offset = "", 0
            for _ in count():
                page = await session.transcript(agent="builder", offset=offset, limit=1000)
                assert page.offset == offset
                if page.next == offset == page.size:
                    break
                assert len(page.text) <= 1000
                text, offset = text + page.text, page.next
            assert text == "".join(f"line {n}\n" for n in range(1, 3001))
            last = await session.transcript(agent="builder", attempt=1, kind="work", offset=-19)
            assert (last.text, last.next) == ("line 3000\n", last.size)
            assert (await session.transcript(agent="builder")).size < PAGE

        play(scenario)

    # -- what they change and leave --------------------------------------------------------------------------------

    def test_a_working_agents_new_files_are_in_its_difference(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            await session.follow(["builder"])
            await asyncio.to_thread(served.write, "new.txt", "hello")
            await asyncio.to_thread(served.say, "written")
            await take(session, is_said, 1)
            first, second = await asyncio.gather(*(session.diff(agent="builder") for _ in range(2)))
            assert first.text == second.text
            assert "+++ b/new.txt" in first.text
            assert "+hello" in first.text
            assert (first.live, first.cut) == (True, 0)
            assert first.base
            await session.submit(c.PauseAgent(agent="builder"))
            await session.settled("builder", "paused")
            assert (await session.diff(agent="builder")).text == first.text

        play(scenario)

    def test_a_difference_of_nothing_is_refused(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            task = next(iter((await session.state()).run.tasks))
            for asked in ({"task": task}, {"task": task, "attempt": 9}, {"agent": "nobody"}, {}):
                with pytest.raises(CallRefused) as no:
                    await session.diff(**asked)
                assert no.value.code in {"nothing", "unknown"}

        play(scenario)

    def test_artifacts_are_listed_and_paged(self, play, served):
        def leave(engine, run):
            Artifacts(engine.layout.artifacts(run, "run", 0)).write("notes.txt", "a\nb\n\udc80c\n")

        async def scenario(new):
            session = await new()
            identity = await session.start_run(served.request)
            served.do(lambda engine: leave(engine, identity))
            (found,) = [each for each in await session.artifacts("_") if each.name == "notes.txt"]
            assert (found.task, found.attempt) == ("_", 0)
            page = await session.artifact("_", 0, "notes.txt", limit=5)
            assert (page.text, page.next) == ("a\nb\n", 4)
            page = await session.artifact("_", 0, "notes.txt", offset=page.next)
            assert (page.next, page.size) == (found.size, found.size)
            assert await session.artifacts("_", 7) == []

        play(scenario)

    def test_names_that_are_paths_lead_nowhere(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            for name in HOSTILE:
                asked = [
                    partial(session.diff, agent=name),
                    partial(session.diff, task=name),
                    partial(session.transcript, agent=name),
                    partial(session.transcript, task=name),
                    partial(session.transcript, kind=name),
                    partial(session.artifacts, name),
                    partial(session.artifact, "_", 0, name),
                    partial(session.artifact, name, 0, "check-1.log"),
                    partial(session.follow, [name]),
                    partial(session.kill, name),
                ]
                for call in asked:
                    with pytest.raises(CallRefused) as no:
                        await call()
                    assert no.value.code in {"unknown", "nothing"}, (name, no.value)
            assert (await session.status())["engine"]

        play(scenario)

    # -- leaving ---------------------------------------------------------------------------------------------------

    def test_a_session_that_is_closed_ends_its_calls_and_its_iteration(self, play, served):
        async def scenario(new):
            session = await new()
            await session.start_run(served.request)
            waiting = asyncio.create_task(session.settled("builder", "paused"))
            looking = asyncio.create_task(anext(session, "over"))
            await session.status()
            await session.close()
            with pytest.raises(EngineGone, match="closed"):
                await waiting
            assert await looking == "over"
            await session.close()

        play(scenario)
