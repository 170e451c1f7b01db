"""A vendor that streams at a pace and stamps each portion, and a gateway before it: one process each, for benchmarks.

`python -m support.gateway_load vendor`, `... gateway VENDOR-URL BOOKINGS`: each prints its port and serves until its
standard input is closed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import web

PORTIONS, PACE = 60, 0.02
"""Of one answer, and seconds between two."""
TOKEN = "qd-load"


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    """An Anthropic stream: each delta's text is the time at which it was sent."""
    await request.read()
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    usage = {"input_tokens": 25_000, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "output_tokens": 1}
    await response.write(
        _event("message_start", message={"model": "claude-sonnet-5-5", "usage": usage, "stamp": _now()})
    )
    began = time.monotonic()
    for number in range(PORTIONS):
        await asyncio.sleep(max(0.0, began + (number + 1) * PACE - time.monotonic()))
        await response.write(_event("content_block_delta", index=0, delta={"type": "text_delta", "text": _now()}))
    await response.write(_event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": PORTIONS}))
    await response.write(_event("message_stop"))
    return response


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _now() -> str:
    return f"{time.monotonic():.6f}"


async def _vendor() -> int:
    server = await asyncio.get_running_loop().create_server(web.Server(_answer), "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def _gateway(url: str, bookings: int, folder: Path) -> int:
    import socket
    from decimal import Decimal

    from support.gate import OnePurse

    from engine.gateway.llm.lanes import Lane
    from engine.gateway.llm.prices import Prices
    from engine.gateway.llm.server import Gateway
    from engine.gateway.llm.spool import Spool
    from engine.gateway.llm.values import Booking, Hold, Left, Spend, Upstream

    spool = Spool(folder / "holds")

    class Purse(OnePurse):
        """With running totals and a spool, as the engine's."""

        total = Decimal(0)

        def left(self, agent: str) -> Left:
            held = sum((hold.usd for hold in self.open.values()), Decimal(0))
            return Left(usd=Decimal(10_000) - self.total - held, scope="run")

        def reserve(self, hold: Hold) -> None:
            spool.reserve(hold)
            self.open[hold.id] = hold

        def settle(self, booking: Booking) -> None:
            self.total += booking.usd
            self.open.pop(booking.id, None)
            spool.close(booking.id)
            self.booked.append(booking)

    purse = Purse()
    for number in range(bookings):
        spent = Booking(
            id=str(number), agent="amy", provider="anthropic", model="m", spend=Spend(input=1), usd=Decimal("0.0001")
        )
        purse.settle(spent)
    vendor = Upstream(name="anthropic", kind="anthropic", url=url, key=lambda: "sk-test-load")
    gateway = Gateway({"anthropic": vendor}, purse, prices=Prices({}))
    await gateway.open()
    gateway.admit("amy", Lane(token=TOKEN))
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    await gateway.serve("amy", listener)
    return int(listener.getsockname()[1])


async def _main(words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        port = await (_vendor() if words[0] == "vendor" else _gateway(words[1], int(words[2]), Path(folder)))
        print(port, flush=True)
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        loop.add_reader(sys.stdin, lambda: sys.stdin.read(1) or over.done() or over.set_result(None))
        await over


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
