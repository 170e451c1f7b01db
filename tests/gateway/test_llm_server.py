"""The models' gateway over real sockets: what passes, what is refused, what is tried again, and what is booked."""

from __future__ import annotations

import asyncio
import gzip
import json
from decimal import Decimal

import aiohttp
import pytest
from support.aio import run
from support.gate import KEY, TOKEN, OnePurse, asked, gate

from engine.gateway.llm import attempts, room, way
from engine.gateway.llm.cache import DiskCache
from engine.gateway.llm.tape import Player, Recorder
from engine.gateway.llm.tiers import ladder
from engine.gateway.llm.values import Left, Upstream

APIS = ["messages", "chat", "responses", "gemini"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """What is waited for in real life takes no time here."""
    for module, name in ((attempts, "BACKOFF"), (attempts, "LONGEST_BACKOFF"), (way, "SETTLE"), (room, "SETTLE")):
        monkeypatch.setattr(module, name, 0.001)


# -- what passes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("api", APIS)
def test_an_answer_passes_as_it_is_and_is_booked_as_it_says(api, stream):
    async def scenario():
        async with gate() as here:
            answer = await here.ask(api, stream=stream)
            [call] = here.llm.calls
            assert answer.status == 200
            assert "Hello" in answer.text or "hello" in answer.text.lower()
            [booked] = here.purse.booked
            assert booked.id == here.purse.holds[0].id
            assert (booked.spend.input, booked.spend.output) == (call.usage.input, call.usage.output)
            assert booked.usd > 0
            assert (booked.estimated, booked.failed) == (False, False)
            assert not here.purse.open
            assert booked.usd <= here.purse.holds[0].usd
            assert call.key == KEY

    run(scenario())


def test_the_key_stays_here_and_the_token_goes_nowhere():
    async def scenario():
        async with gate() as here:
            _, body, headers = asked("messages", "hello")
            more = {"x-else": f"a {TOKEN} b", "cookie": "c=1", "connection": "x-hop", "x-hop": "1", "x-kept": "2"}
            answer = await here.post(f"/as/{TOKEN}/anthropic/v1/messages", json.dumps(body).encode(), headers | more)
            sent = {name.lower(): value for name, value in here.llm.calls[0].headers.items()}
            assert answer.status == 200
            assert TOKEN not in str(sent)
            assert TOKEN not in here.llm.calls[0].path
            assert sent["x-api-key"] == KEY
            assert sent["accept-encoding"] == "identity"
            assert sent["x-kept"] == "2"
            assert not {"cookie", "x-hop", "x-else"} & sent.keys()
            assert KEY not in f"{answer.headers} {answer.text}"

    run(scenario())


def test_a_vendor_that_repeats_a_key_does_not_tell_it():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="status", status=401, text=f"invalid x-api-key {KEY}", headers={"x-key": KEY})
            answer = await here.ask()
            assert answer.status == 401
            assert KEY not in f"{answer.headers} {answer.text}"
            assert here.purse.released
            assert KEY not in str(here.purse.told)

    run(scenario())


@pytest.mark.parametrize("token", ["", "qd-token-of-bob", KEY])
def test_who_shows_no_token_of_its_own_is_nobody(token):
    async def scenario():
        async with gate() as here:
            assert (await here.ask(token=token)).status == 401
            here.gateway.dismiss("amy")
            assert (await here.ask()).status == 401
            assert not here.llm.calls

    run(scenario())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/anthropic/v1/files", 404),
        ("/elsewhere/v1/messages", 404),
        ("/", 404),
        ("/openai/v1/embeddings", 404),
        ("/anthropic/v1/messages/batches", 400),
        ("/openai/v1/batches", 400),
    ],
)
def test_what_can_not_be_metered_is_not_forwarded(path, status):
    async def scenario():
        async with gate() as here:
            answer = await here.post(path, b"{}", {"x-api-key": TOKEN})
            assert answer.status == status
            assert answer.headers["x-should-retry"] == "false"
            assert not here.llm.calls

    run(scenario())


def test_a_websocket_is_told_to_do_without():
    async def scenario():
        async with gate() as here:
            headers = {"x-api-key": TOKEN, "connection": "Upgrade", "upgrade": "websocket"}
            async with here.client.get(here.url("/openai/v1/responses"), headers=headers) as answer:
                assert answer.status == 426

    run(scenario())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model": 7}', b"\xff"])
def test_a_body_that_makes_no_sense_is_refused_in_the_dialects_own_shape(body):
    async def scenario():
        async with gate() as here:
            answer = await here.post("/anthropic/v1/messages", body, {"x-api-key": TOKEN})
            assert answer.status == 400
            assert answer.json["type"] == "error"
            assert not here.purse.holds

    run(scenario())


def test_a_packed_request_goes_on_unpacked():
    async def scenario():
        async with gate() as here:
            path, body, headers = asked("responses", "hello")
            packed = gzip.compress(json.dumps(body).encode())
            assert (await here.post(path, packed, headers | {"content-encoding": "gzip"})).status == 200
            assert "content-encoding" not in {name.lower() for name in here.llm.calls[0].headers}

    run(scenario())


def test_an_answer_that_is_packed_all_the_same_is_passed_on_and_read():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="gzip")
            answer = await here.ask()
            assert b"message_stop" in gzip.decompress(answer.body)
            assert here.purse.booked[0].spend.output == here.llm.calls[0].usage.output
            assert not here.purse.booked[0].estimated

    run(scenario())


# -- budgets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_the_answer_is_made_as_short_as_the_budget_wants(api):
    async def scenario():
        async with gate(OnePurse(tokens=8000)) as here:
            await here.ask(api, "long", most=50_000 if api == "messages" else None)
            [booked] = here.purse.booked
            assert booked.spend.tokens.total <= 8000
            assert here.llm.calls[0].usage.output < 8000

    run(scenario())


def test_one_who_is_short_waits_and_the_same_request_goes_on_when_there_is_more():
    async def scenario():
        async with gate(OnePurse(tokens=10, says=[Left(tokens=5), Left(tokens=50_000)])) as here:
            assert (await here.ask()).status == 200
            assert len(here.purse.short_of) == 2
            assert len(here.llm.calls) == 1

    run(scenario())


@pytest.mark.parametrize("api", APIS)
def test_one_who_gets_no_more_is_refused_for_good(api):
    async def scenario():
        async with gate(OnePurse(tokens=10)) as here:
            answer = await here.ask(api)
            assert answer.status == 402
            assert answer.headers["x-should-retry"] == "false"
            assert "budget" in answer.text
            assert not here.llm.calls
            assert not here.purse.open

    run(scenario())


@pytest.mark.parametrize("api", APIS)
def test_where_the_crew_wants_it_the_turn_ends_in_order(api):
    async def scenario():
        async with gate(OnePurse(tokens=10), at_budget="finish") as here:
            answer = await here.ask(api)
            assert answer.status == 200
            assert "budget" in answer.text
            assert here.purse.heard("refused")[0].needed.tokens > 10
            assert not here.llm.calls

    run(scenario())


def test_a_model_without_a_price_is_not_asked_under_a_budget_in_money():
    async def scenario():
        async with gate(OnePurse(usd=Decimal(5))) as here:
            answer = await here.ask(name="a-model-of-nobody")
            assert answer.status == 402
            assert "prices" in answer.text
            assert not here.llm.calls
        async with gate(OnePurse(tokens=50_000)) as here:
            assert (await here.ask(name="a-model-of-nobody")).status == 200

    run(scenario())


@pytest.mark.parametrize("what", ["no_usage", "cut"])
def test_a_stream_that_ends_without_figures_costs_what_was_reserved(what):
    async def scenario():
        async with gate() as here:
            here.llm.fault(what=what, times=-1)
            await here.ask()
            [booked] = here.purse.booked
            assert booked.estimated
            assert booked.spend.output == here.purse.holds[0].tokens.output
            assert booked.failed == (what == "cut")

    run(scenario())


def test_an_error_inside_a_stream_is_booked_and_said_to_have_failed():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="error_event", at=0.9)
            answer = await here.ask()
            assert answer.status == 200
            assert here.purse.booked[0].failed

    run(scenario())


def test_an_agent_that_leaves_in_the_middle_ends_the_request_at_the_vendor():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="stall", at=0.5, times=-1)
            path, body, headers = asked("messages", "hello")
            async with here.client.post(here.url(path), json=body, headers=headers) as answer:
                await answer.content.readany()
            await asyncio.to_thread(here.llm.until, lambda calls: calls and calls[0].ended == "left")
            while here.purse.open:
                await asyncio.sleep(0)
            assert here.purse.booked[0].estimated

    run(scenario())


# -- trouble -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 503, 529])
def test_a_vendor_in_trouble_is_asked_again(status):
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="status", status=status, times=2)
            assert (await here.ask()).status == 200
            assert [call.status for call in here.llm.calls] == [status, status, 200]
            assert len(here.purse.booked) == 1
            assert len(here.purse.released) == 2
            assert [one.attempt for one in here.purse.heard("retry")] == [1, 2]

    run(scenario())


def test_an_answer_that_never_came_may_have_been_billed():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="hang_up", times=1)
            assert (await here.ask()).status == 200
            assert [one.failed for one in here.purse.booked] == [True, False]

    run(scenario())


def test_nothing_is_tried_again_once_a_byte_went_to_the_agent():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="cut", at=0.6)
            answer = await here.ask()
            assert not answer.whole
            assert len(here.llm.calls) == 1

    run(scenario())


def test_who_can_not_be_reached_costs_nothing_and_is_said():
    async def scenario():
        away = {"url": "http://127.0.0.1:9", "key": lambda: KEY}
        async with gate(upstream=away) as here:
            answer = await here.ask()
            assert answer.status == 502
            assert not here.purse.booked
            assert not here.purse.open

    run(scenario())


def test_the_agents_own_mistakes_are_passed_on_and_not_repeated():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="status", status=400, text="messages: too many")
            answer = await here.ask()
            assert (answer.status, len(here.llm.calls)) == (400, 1)
            assert "too many" in answer.text

    run(scenario())


def test_a_limit_with_a_reset_parks_the_agent_until_then_and_all_others_too():
    async def scenario():
        now = [1000.0]
        async with gate(wall=lambda: now[0]) as here:
            parked = here.purse.parked

            async def park(agent, happening):
                await parked(agent, happening)
                now[0] = happening.until

            here.purse.parked = park
            here.llm.fault(what="status", status=429, headers={"retry-after": "3600"})
            assert (await here.ask()).status == 200
            [park_] = here.purse.parks
            assert park_.until >= 4600
            assert here.purse.heard("limited")

    run(scenario())


def test_one_provider_that_fails_in_a_row_is_left_alone_and_probed():
    async def scenario():
        now = [1000.0]
        async with gate(wall=lambda: now[0]) as here:

            async def park(agent, happening):
                here.purse.parks.append(happening)
                now[0] = happening.until

            here.purse.parked = park
            here.llm.fault(what="status", status=503, times=5)
            answers = [await here.ask() for _ in range(2)]
            assert answers[-1].status == 200
            assert [one.what for one in here.purse.told if one.what in {"opened", "closed"}] == ["opened", "closed"]
            assert here.purse.parks

    run(scenario())


def test_while_a_provider_is_out_of_order_the_next_in_line_is_asked():
    async def scenario():
        spare = lambda llm: Upstream(name="spare", kind="anthropic", url=llm.lane("spare"), key=lambda: KEY)  # noqa: E731
        async with gate(more={"spare": spare}) as here:
            here.admit(fallback=("spare/claude-haiku-5-5",))
            here.llm.fault(what="status", status=503, times=-1, lane="")
            assert (await here.ask()).status == 200
            assert here.llm.calls[-1].lane == "spare"
            assert here.llm.calls[-1].model == "claude-haiku-5-5"
            assert here.purse.heard("fallback")[0].to == "spare/claude-haiku-5-5"
            assert here.purse.booked[-1].provider == "spare"

    run(scenario())


# -- models, plans, caches, tapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_model", "sent"),
    [
        ("claude-opus-5-5", "claude-sonnet-5-5"),
        ("claude-haiku-5-5", "claude-haiku-5-5"),
        ("what-ever", "claude-sonnet-5-5"),
    ],
)
def test_a_model_above_its_tier_becomes_the_one_of_its_tier(asked_model, sent):
    async def scenario():
        table = {"small": "claude-haiku-5-5", "standard": "claude-sonnet-5-5", "large": "claude-opus-5-5"}
        async with gate() as here:
            here.admit(ladders={"anthropic": ladder(table, "standard")})
            await here.ask(name=asked_model)
            assert here.llm.calls[0].model == sent
            assert here.purse.booked[0].model == sent

    run(scenario())


def test_on_a_plan_the_agents_own_log_in_passes_untouched():
    async def scenario():
        async with gate(OnePurse(tokens=50_000), upstream={"plan": True, "key": None}) as here:
            here.llm.keys = {"sk-test-oauth"}
            path, body, headers = asked("messages", "hello", most=700)
            raw = json.dumps(body, indent=3).encode()
            own = {"authorization": "Bearer sk-test-oauth", "anthropic-beta": "oauth-2025", "user-agent": "amy/1"}
            answer = await here.post(f"/as/{TOKEN}{path}", raw, own | {"content-type": "application/json"})
            [call] = here.llm.calls
            assert answer.status == 200
            sent = {name.lower(): value for name, value in call.headers.items()}
            assert (sent["authorization"], sent["anthropic-beta"]) == ("Bearer sk-test-oauth", "oauth-2025")
            assert call.body == body
            assert here.purse.booked[0].usd == 0
            assert here.purse.booked[0].price.startswith("plan, about")
            assert headers

    run(scenario())


def test_an_identical_request_is_answered_from_the_cache_and_costs_nothing(tmp_path):
    async def scenario():
        async with gate(cache=DiskCache(tmp_path / "answers", 1 << 20)) as here:
            here.admit(share_cache=True)
            first, second = await here.ask(), await here.ask()
            other = await here.ask(script="[[script:hello]] else")
            assert first.body == second.body
            assert len(here.llm.calls) == 2
            assert [one.saved for one in here.purse.booked] == [False, True, False]
            assert here.purse.booked[1].usd == here.purse.booked[0].usd
            assert here.purse.heard("cache_hit")
            assert other.status == 200
            here.admit(share_cache=False)
            await here.ask()
            assert len(here.llm.calls) == 3

    run(scenario())


def test_what_was_recorded_is_played_without_any_vendor(tmp_path):
    async def scenario():
        tape = Recorder(tmp_path / "tape")
        async with gate(tape=tape) as here:
            here.llm.fault(what="status", status=503)
            recorded = [await here.ask(), await here.ask("chat"), await here.ask(script="long", most=64)]
            booked = [one.spend for one in here.purse.booked]
        tape.close()
        assert KEY not in (tmp_path / "tape").read_text()
        player = Player(tmp_path / "tape")
        async with gate(tape=player) as here:
            played = [await here.ask(), await here.ask("chat"), await here.ask(script="long", most=64)]
            assert [one.body for one in played] == [one.body for one in recorded]
            assert [one.spend for one in here.purse.booked] == booked
            assert not here.llm.calls
            missed = await here.ask(script="something else")
            assert missed.status == 400
            assert "tape" in missed.text
        player.close()

    run(scenario())


def test_closing_ends_what_is_under_way_and_books_it():
    async def scenario():
        async with gate() as here:
            here.llm.fault(what="stall", at=0.5, times=-1)
            asking = asyncio.create_task(here.ask())
            await asyncio.to_thread(here.llm.until, bool)
            await here.gateway.leave("amy")
            with pytest.raises((aiohttp.ClientError, ValueError)):
                (await asking).json  # noqa: B018  it broke off
            assert not here.purse.open
            assert here.purse.booked

    run(scenario())
