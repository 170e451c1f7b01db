"""The server: a thread with a loop of its own, so that a test may block, or run its own loop, while agents are answered.

It keeps no conversation. What it keeps are the calls, for tests to read, and how often a fault has struck.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aiohttp import web
from support.llm import apis, scripts
from support.llm.apis import gemini
from support.llm.faults import Fault
from support.llm.turn import answer
from support.llm.words import Answer, Asked, Usage

Ended = Literal["open", "whole", "cut", "left"]
PATIENCE = 30.0
LARGEST = 64 << 20
NOTHING = Usage()


@dataclass
class Call:
    """One request, as it came. `ended`: still open, whole, cut by us, or left by the client before its end.

    `usage` is what was told in the answer, and `true` what it really was; nothing for a refusal.
    """

    number: int
    lane: str
    key: str
    api: str
    path: str
    headers: Mapping[str, str]
    body: Any
    size: int
    asked: Asked | None = None
    step: str = ""
    status: int = 0
    usage: Usage = NOTHING
    true: Usage = NOTHING
    ended: Ended = "open"
    at: float = field(default_factory=time.monotonic)

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return self.asked.model if self.asked else ""

    @property
    def prompt(self) -> str:
        """All that people and programs said in it."""
        return "\n".join(turn.text for turn in self.asked.turns) if self.asked else ""


class Model:
    """The server and what tests may ask of it. Every attribute may be read at any time; `scripts` may be added to.

    `keys`: if there are any, a request without one of them is refused as 401. `per`: bytes of a request that count for a
    token of input. `piece`: characters in a portion of a stream.
    """

    def __init__(self) -> None:
        self.scripts: dict[str, Sequence[scripts.Step]] = dict(scripts.NAMED)
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.keys: set[str] = set()
        self.per = 4.0
        self.piece = 48
        self.pause = 0.0
        self.port = 0
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._by_step: dict[str, Fault] = {}
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted model", daemon=True)

    # -- what tests ask --------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Its address, without a path: Anthropic's and Gemini's base URL. OpenAI's has `/v1` added."""
        return f"http://127.0.0.1:{self.port}"

    def lane(self, name: str) -> str:
        """An address of its own: `Call.lane` and `Fault.lane` tell it apart."""
        return f"{self.url}/lane/{name}"

    def fault(self, **fields: Any) -> Fault:
        """Let this go wrong; see `Fault`."""
        self.faults.append(Fault(**fields))
        return self.faults[-1]

    def until(self, fits: Callable[[list[Call]], bool], timeout: float = PATIENCE) -> list[Call]:
        """Wait until the calls are such; the calls of that moment."""
        with self._changed:
            if not self._changed.wait_for(lambda: fits(self.calls), timeout):
                raise TimeoutError(
                    f"the model was not asked for that: {[(c.api, c.step, c.ended) for c in self.calls]}"
                )
            return list(self.calls)

    def release(self) -> None:
        """Let go on what stalls."""
        self._loop.call_soon_threadsafe(self._released.set)

    def spent(self, lane: str | None = None, key: str | None = None, *, true: bool = True) -> Usage:
        """The sum over all calls, of one lane or key; `true` False: as it was told."""
        chosen = [c for c in self.calls if lane in (None, c.lane) and key in (None, c.key)]
        return sum((c.true if true else c.usage for c in chosen), Usage())

    # -- serving ---------------------------------------------------------------------------------------------------

    def open(self, port: int = 0) -> None:
        """Begin to listen, on loopback."""
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._open(port), self._loop).result(PATIENCE)

    def close(self) -> None:
        """End every connection, and the thread."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _open(self, port: int) -> int:
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        found: int = self._runner.addresses[0][1]
        return found

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        lane, path = _laned(request.path)
        api = apis.of(path) if request.method == "POST" else None
        call = Call(
            len(self.calls) + 1,
            lane,
            _key(request),
            api.NAME if api else "other",
            path,
            dict(request.headers),
            None,
            len(raw),
        )
        self._note(lambda: self.calls.append(call))
        try:
            reply = await self._reply(request, call, api, raw)
            self._ended(call, "whole" if call.ended == "open" else call.ended)
            return reply
        except asyncio.CancelledError:
            self._ended(call, "left")
            raise
        except ConnectionError:
            self._ended(call, "left" if call.ended == "open" else call.ended)
            raise

    async def _reply(self, request: web.Request, call: Call, api: apis.Api | None, raw: bytes) -> web.StreamResponse:
        if self.keys and call.key not in self.keys:
            return self._refused(call, api, 401, text="no such key")
        if api is None:
            return self._other(call)
        call.body = json.loads(raw)
        call.asked = asked = api.read(call.path, request.query, call.body, len(raw))
        place = scripts.find(asked, self.scripts)
        call.step = place.key
        fault = self._trouble(call, place)
        if fault and fault.what in ("mute", "hang_up"):
            return await self._silent(request, call, fault)
        if fault and fault.what == "status":
            return self._refused(call, api, fault.status, fault)
        said = answer(asked, place, f"{next(self._ids):06d}", self.per)
        call.true, call.usage, call.status = said.usage, said.usage, 200
        if fault and fault.what == "lie":
            call.usage = replace(said.usage.times(fault.factor), **dict(fault.usage))
            said = replace(said, usage=call.usage)
        if not asked.stream:
            return self._document(call, api, said, fault)
        return await self._streamed(request, call, api, said, fault)

    def _trouble(self, call: Call, place: scripts.Place) -> Fault | None:
        about = {"lane": call.lane, "key": call.key, "api": call.api, "model": call.model, "text": call.prompt}
        if ordered := place.step.get("fault"):
            self._by_step.setdefault(place.key, Fault(**ordered))
            if self._by_step[place.key].strikes(**about):
                return self._by_step[place.key]
        return next((fault for fault in self.faults if fault.strikes(**about)), None)

    def _refused(
        self, call: Call, api: apis.Api | None, status: int, fault: Fault | None = None, text: str = ""
    ) -> web.Response:
        call.status = status
        if api is None:
            return web.json_response({"error": text}, status=status)
        document = api.error(status, fault.kind if fault else "", text or (fault.text if fault else ""))
        headers = dict(fault.headers) if fault else {}
        if fault and fault.reset is not None:
            headers |= api.limited(fault.reset, time.time() + fault.reset)
            if api is gemini:
                document = gemini.retry_info(document, fault.reset)
        return web.json_response(document, status=status, headers=headers)

    def _other(self, call: Call) -> web.Response:
        """What agents ask for beside: the list of models, and the size of a request."""
        call.status = 200
        if call.path.endswith("/count_tokens"):
            return web.json_response({"input_tokens": int(call.size / self.per)})
        if call.path.endswith("/models"):
            return web.json_response({"object": "list", "data": [{"id": "scripted-1", "object": "model"}]})
        call.status = 404
        return web.json_response({"error": {"message": "no such path"}}, status=404)

    async def _silent(self, request: web.Request, call: Call, fault: Fault) -> web.Response:
        if fault.what == "mute":
            await self._released.wait()
        call.ended = "cut"
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _document(self, call: Call, api: apis.Api, said: Answer, fault: Fault | None) -> web.Response:
        assert call.asked is not None
        document = api.whole(call.asked, said)
        if fault and fault.what == "no_usage":
            document = {name: value for name, value in document.items() if name not in ("usage", "usageMetadata")}
            call.usage = Usage()
        raw = b"\x00not what was asked\xff" if fault and fault.what == "garbage" else json.dumps(document).encode()
        headers = {"content-type": "application/json", "x-request-id": f"req_{said.id}"}
        if fault and fault.what == "gzip":
            raw, headers = gzip.compress(raw), {**headers, "content-encoding": "gzip"}
        return web.Response(body=raw, headers=headers)

    async def _streamed(
        self, request: web.Request, call: Call, api: apis.Api, said: Answer, fault: Fault | None
    ) -> web.StreamResponse:
        assert call.asked is not None
        parts = spoiled(api, call.asked, said, fault, self.piece)
        kind = "application/json" if call.asked.array else "text/event-stream"
        packed = {"content-encoding": "gzip"} if fault and fault.what == "gzip" else {}
        headers = {"content-type": kind, "cache-control": "no-cache", "x-request-id": f"req_{said.id}", **packed}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        halt = max(1, int(len(parts) * fault.at)) if fault and fault.what in ("cut", "stall") else -1
        for number, part in enumerate(parts):
            if number == halt:
                if fault and fault.what == "stall":
                    await self._released.wait()
                else:
                    call.ended = "cut"
                    await asyncio.sleep(0.02)  # what was written is read before the connection is gone
                    if request.transport:
                        request.transport.abort()
                    return response
            await response.write(part)
            if pause := fault.seconds if fault and fault.what == "slow" else self.pause:
                await asyncio.sleep(pause)
        if fault and fault.what in ("no_usage", "garbage", "error_event"):
            call.usage = Usage()
        await response.write_eof()
        return response

    def _note(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    def _ended(self, call: Call, how: Ended) -> None:
        self._note(lambda: setattr(call, "ended", how))


def spoiled(api: apis.Api, asked: Asked, said: Answer, fault: Fault | None, piece: int) -> list[bytes]:
    """The portions of a stream, as the fault makes them."""
    parts = api.stream(asked, said, piece)
    match fault.what if fault else "":
        case "no_usage":
            return [part for part in parts if not _tells_usage(part)]
        case "garbage":
            return [b"\x00\xffnot an event\n\n", *parts[:1], b"data: {broken\n\n"]
        case "error_event":
            return [*parts[: len(parts) // 2], api.broken("overloaded, in the middle")]
        case "gzip":
            return [gzip.compress(b"".join(parts))]
    return parts


def _tells_usage(part: bytes) -> bool:
    """Whether the vendor's last word on usage is in it."""
    ends = (b'"message_delta"', b'"response.completed"', b'"usageMetadata"', b'"choices": [], "usage"')
    return any(end in part for end in ends)


def _laned(path: str) -> tuple[str, str]:
    """The lane, and the path within it."""
    if not path.startswith("/lane/"):
        return "", path
    _, _, name, rest = path.split("/", 3)
    return name, f"/{rest}"


def _key(request: web.Request) -> str:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    named = (request.headers.get(name) for name in ("x-api-key", "x-goog-api-key"))
    return next((key for key in (*named, bearer, request.query.get("key")) if key), "")


@contextmanager
def model(port: int = 0) -> Iterator[Model]:
    """A model that listens."""
    llm = Model()
    llm.open(port)
    try:
        yield llm
    finally:
        llm.close()
