"""What every engine behind every transport does for its clients. A test module inherits it and says how to connect."""

import threading
from itertools import islice

import msgspec
import pytest

from engine.api.calls import CallRefused
from engine.api.errors import EngineGone
from engine.core import commands as c
from engine.core import events as e


def seqs(events, count):
    return [event["seq"] for event in islice(events, count)]


class ClientContract:
    """Needs two fixtures: `served`, an engine with an agent `builder`, and `connect`, a new client at each call.

    `served` has `seq()`, `recorded()`, `notice(*texts)`, `do(function of the engine)` and `request`, a run it can start.
    """

    def test_an_engine_says_who_it_is(self, connect, served):
        welcome = connect().engine
        assert (welcome.version, welcome.seq) == (served.engine.version, served.seq())

    def test_a_run_begins_and_its_id_comes_back(self, connect, served):
        client = connect()
        run = client.start_run(served.request, actor="ann")
        status = client.status()["run"]
        assert (status["id"], status["goal"], status["state"]) == (run, "mend it", "running")

    def test_a_request_is_answered_with_the_events_that_followed(self, connect, served):
        client = connect()
        client.start_run(served.request)
        asked = client.submit(c.PauseAgent(agent="builder"), actor="ann")[0]
        assert (asked["kind"], asked["agent"], asked["actor"]) == ("agent_pause_asked", "builder", "ann")

    def test_every_request_the_core_knows_passes_through_unchanged(self, connect, served):
        received = []

        async def submit(request, *, actor):
            received.append(request)
            return []

        served.do(lambda engine: setattr(engine, "submit", submit))
        requests = [
            c.AddTasks(tasks=(c.TaskSpec(id="a", title="A", after=("b",)),)),
            c.RetryTask(task="a", note="again", version=3),
            c.Answer(approval="a", granted=False, why="no"),
            c.RaiseBudget(scope="run", amount=c.Amount(usd="1.50")),
            c.StopRun(),
            c.SteerAgent(agent="builder", text="a\nb \x1b[31m ü"),
        ]
        client = connect()
        for request in requests:
            client.submit(request)
        assert received == requests

    def test_a_refusal_carries_reason_code_and_exit(self, connect):
        with pytest.raises(CallRefused, match='no agent "nobody"') as no:
            connect().kill("nobody")
        assert (no.value.code, no.value.exit_code) == ("unknown", 2)

    def test_a_refused_request_leaves_the_connection_usable(self, connect):
        client = connect()
        with pytest.raises(CallRefused, match="no run here"):
            client.submit(c.RetryTask(task="a"))
        assert client.status()["run"] is None

    def test_a_defect_is_told_to_its_caller_and_nobody_else(self, connect, served):
        async def submit(request, *, actor):
            raise RuntimeError("a defect")

        served.do(lambda engine: setattr(engine, "submit", submit))
        client = connect()
        with pytest.raises(CallRefused, match="a defect") as no:
            client.submit(c.StopRun())
        assert no.value.exit_code == 1
        assert client.status()["engine"]["pid"]

    def test_nobody_speaks_as_the_engine(self, connect):
        with pytest.raises(Exception, match="actor"):
            connect().submit(c.StopRun(), actor="engine")

    def test_a_stream_from_the_beginning_has_every_event_as_recorded(self, connect, served):
        client = connect()
        client.start_run(served.request)
        recorded = served.recorded()
        with client.raw_events() as stream:
            assert list(islice(stream, len(recorded))) == recorded
        assert e.decode(recorded[0]).kind == "engine_started"

    def test_a_stream_from_the_middle_begins_after_what_was_seen(self, connect, served):
        client = connect()
        client.start_run(served.request)
        with client.events(since=2) as stream:
            assert seqs(stream, 2) == [3, 4]

    def test_a_stream_goes_on_with_what_comes(self, connect, served):
        with connect().events(since=served.seq()) as stream:
            served.notice("now")
            assert next(stream)["data"]["text"] == "now"

    def test_a_stream_and_calls_go_on_beside_each_other(self, connect, served):
        client = connect()
        with client.events(since=served.seq()) as stream:
            run = client.start_run(served.request)
            assert next(stream)["kind"] == "run_started"
            assert client.status()["run"]["id"] == run

    def test_a_call_that_takes_long_does_not_hold_up_others(self, connect, served):
        waiting, other = connect(), connect()
        other.start_run(served.request)
        answers = []
        thread = threading.Thread(target=lambda: answers.extend(waiting.settled("builder", "paused")))
        thread.start()
        assert other.status()["engine"]
        assert not answers
        other.submit(c.PauseAgent(agent="builder"))
        thread.join(10)
        (answer,) = answers
        assert (answer["agent"], answer["state"]) == ("builder", "paused")
        assert answer["proof"]

    def test_a_kill_answers_with_its_proof(self, connect, served):
        client = connect()
        client.start_run(served.request)
        (killed,) = client.kill("builder")
        assert (killed["agent"], killed["gone"]) == ("builder", True)
        (agent,) = (agent for agent in client.status()["agents"] if agent["name"] == "builder")
        assert (agent["state"], agent["held"]) == ("stopped", "kill")

    def test_ten_viewers_see_every_event(self, connect, served):
        streams = [connect().events(since=served.seq()) for _ in range(10)]
        first = served.seq() + 1
        served.notice(*map(str, range(1000)))
        for stream in streams:
            assert seqs(stream, 1000) == list(range(first, first + 1000))
            stream.close()

    def test_a_client_that_does_not_read_neither_slows_the_engine_nor_misses_anything(self, connect, served):
        first = served.seq() + 1
        with connect().raw_events(since=first - 1) as slow:
            other = connect()
            served.notice(*(f"{n} " + "x" * 200 for n in range(20_000)))
            assert other.status()["engine"]["seq"] == first + 19_999
            found = [msgspec.json.decode(line)["seq"] for line in islice(slow, 20_000)]
        assert found == list(range(first, first + 20_000))

    def test_the_end_of_the_engine_is_told_after_its_last_event(self, connect):
        client = connect()
        with client.events() as stream:
            client.end()
            client.gone()
            assert [event["kind"] for event in islice(stream, 2)] == ["engine_started", "engine_stopped"]
            with pytest.raises(EngineGone, match="the engine ended"):
                next(stream)
        with pytest.raises(EngineGone):
            client.status()
