"""The models' gateway on a port of this machine, between a scripted vendor and a client that plays an agent."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp
from support.llm import Model, model

from engine.gateway.llm.lanes import Lane
from engine.gateway.llm.prices import Prices
from engine.gateway.llm.server import Gateway
from engine.gateway.llm.values import Booking, Happening, Hold, Kind, Left, Upstream

TOKEN, KEY = "qd-token-of-amy", "sk-test-real"
KINDS: tuple[Kind, ...] = ("anthropic", "openai", "gemini")
MODELS = {
    "messages": "claude-sonnet-5-5",
    "chat": "gpt-6.1-terra",
    "responses": "gpt-6.1-terra",
    "gemini": "gemini-3.8-flash",
}


@dataclass
class OnePurse:
    """A budget. `says` is what a person answers to one who is short, each time: an amount to add, or no."""

    usd: Decimal | None = None
    tokens: int | None = None
    says: list[Left | None] = field(default_factory=list)
    open: dict[str, Hold] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    booked: list[Booking] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    short_of: list[Left] = field(default_factory=list)
    parks: list[Happening] = field(default_factory=list)
    told: list[Happening] = field(default_factory=list)
    waits: bool = False

    def left(self, agent: str) -> Left:
        usd = sum((hold.usd for hold in self.open.values()), Decimal(0)) + sum(
            (one.usd for one in self.spent), Decimal(0)
        )
        tokens = sum(hold.tokens.total for hold in self.open.values()) + sum(
            one.spend.tokens.total for one in self.spent
        )
        return Left(
            usd=None if self.usd is None else self.usd - usd,
            tokens=None if self.tokens is None else self.tokens - tokens,
            scope=agent,
        )

    @property
    def spent(self) -> list[Booking]:
        return [one for one in self.booked if not one.saved]

    def reserve(self, hold: Hold) -> None:
        self.holds.append(hold)
        self.open[hold.id] = hold

    def settle(self, booking: Booking) -> None:
        self.booked.append(booking)
        self.open.pop(booking.id, None)

    def release(self, hold: str) -> None:
        self.released.append(hold)
        self.open.pop(hold)

    async def short(self, agent: str, needed: Left, why: str) -> bool:
        self.short_of.append(needed)
        more = self.says.pop(0) if self.says else None
        if more is None:
            return False
        self.usd = None if self.usd is None else self.usd + (more.usd or 0)
        self.tokens = None if self.tokens is None else self.tokens + (more.tokens or 0)
        return True

    async def parked(self, agent: str, happening: Happening) -> None:
        self.parks.append(happening)
        if self.waits:
            await asyncio.Event().wait()

    def tell(self, happening: Happening) -> None:
        self.told.append(happening)

    def heard(self, what: str) -> list[Happening]:
        return [one for one in self.told if one.what == what]


@dataclass
class Answer:
    """What the agent got."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Gate:
    """One gateway, one agent, one vendor for all kinds."""

    def __init__(self, gateway: Gateway, purse: OnePurse, llm: Model, port: int, client: aiohttp.ClientSession) -> None:
        self.gateway, self.purse, self.llm, self.port, self.client = gateway, purse, llm, port, client

    def admit(self, **lane: Any) -> None:
        self.gateway.admit("amy", Lane(**{"token": TOKEN, **lane}))

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def ask(self, api: str = "messages", script: str = "hello", *, token: str = TOKEN, **more: Any) -> Answer:
        path, body, headers = asked(api, script, token, **more)
        return await self.post(path, json.dumps(body).encode(), headers)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        async with self.client.post(self.url(path), data=body, headers=headers) as answer:
            try:
                return Answer(answer.status, answer.headers, await answer.read())
            except aiohttp.ClientPayloadError:
                return Answer(answer.status, answer.headers, b"", whole=False)


def asked(
    api: str,
    script: str,
    token: str = TOKEN,
    *,
    stream: bool = True,
    most: int | None = 500,
    name: str = "",
    **body: Any,
) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Path, body and headers of a request as that API's clients send it."""
    prompt, asked_model = script if "[[" in script else f"[[script:{script}]]", name or MODELS[api]
    turns = [{"role": "user", "content": prompt}]
    limit = {"max_tokens": most} if most else {}
    bearer = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    if api == "messages":
        sent = {"model": asked_model, "stream": stream, "messages": turns, **limit, **body}
        return "/anthropic/v1/messages", sent, {"x-api-key": token, "content-type": "application/json"}
    if api == "chat":
        return (
            "/openai/v1/chat/completions",
            {"model": asked_model, "stream": stream, "messages": turns, **limit, **body},
            bearer,
        )
    if api == "responses":
        return "/openai/v1/responses", {"model": asked_model, "stream": stream, "input": prompt, **body}, bearer
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    contents = {"contents": [{"role": "user", "parts": [{"text": prompt}]}], **body}
    return f"/gemini/v1beta/models/{asked_model}:{verb}", contents, {"x-goog-api-key": token}


@asynccontextmanager
async def gate(
    purse: OnePurse | None = None, *, upstream: Mapping[str, Any] | None = None, **options: Any
) -> AsyncIterator[Gate]:
    """A gateway to the scripted vendor, which takes no other key than `KEY`; `amy` is admitted."""
    purse = purse or OnePurse()
    with model() as llm:
        llm.keys = {KEY}
        ways = {
            kind: Upstream(**{"name": kind, "kind": kind, "url": llm.url, "key": lambda: KEY, **(upstream or {})})
            for kind in KINDS
        }
        ways |= options.pop("more", {})
        ways = {name: way(llm) if callable(way) else way for name, way in ways.items()}
        gateway = Gateway(ways, purse, prices=Prices({}), **options)
        await gateway.open()
        listener = socket.create_server(("127.0.0.1", 0))
        await gateway.serve("amy", listener)
        async with aiohttp.ClientSession(auto_decompress=False) as client:
            here = Gate(gateway, purse, llm, listener.getsockname()[1], client)
            here.admit()
            try:
                yield here
            finally:
                await gateway.close()
                llm.release()
