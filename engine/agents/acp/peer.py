"""The SDK's connection to an agent, and nothing else that needs the SDK: imported when an agent of this kind starts.

The SDK matches answers to requests and checks both against the protocol. What an agent asks of its client besides leave
(files, terminals, forms) is refused: it has its own rights in its own place, and the engine's are not lent to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from acp import schema
from acp.connection import Connection
from acp.exceptions import RequestError
from acp.meta import AGENT_METHODS, CLIENT_METHODS, PROTOCOL_VERSION
from acp.utils import serialize_params
from pydantic import BaseModel, ValidationError

from engine.agents.acp.leave import asks, cancelled, chosen
from engine.agents.acp.pipe import Pipe
from engine.agents.acp.updates import Updates, dollars, tokens
from engine.agents.acp.words import Client, Greeting, Opening, PeerGarbled, PeerRefused, Reply
from engine.agents.refusals import http_status
from engine.api.version import VERSION

MOST_ASKED: Final = 64
"""Requests for leave that may be open at once; no agent of sense has more."""
NOT_FOR_US: Final = (
    "available_commands_update",
    "config_option_update",
    "current_mode_update",
    "user_message_chunk",
)
"""Updates that a client with a keyboard has a use for."""

Answer = TypeVar("Answer", bound=BaseModel)
Opened = schema.NewSessionResponse | schema.LoadSessionResponse | schema.ResumeSessionResponse


class Peer:
    """One agent, and one session of it."""

    def __init__(self, pipe: Pipe, client: Client, clone: Path) -> None:
        self._client, self._clone = client, clone
        self._updates = Updates(clone)
        self._session = ""
        self._deaf = False
        self._open_asks: dict[str, int] = {}
        self._asked = 0
        self._connection = Connection(self._serve, pipe)

    # -- what it is asked ------------------------------------------------------------------------------------------

    async def greet(self) -> Greeting:
        """The first exchange."""
        wanted = schema.InitializeRequest(
            protocol_version=PROTOCOL_VERSION,
            client_capabilities=schema.ClientCapabilities(),
            client_info=schema.Implementation(name="quarterdeck", version=VERSION),
        )
        answer = await self._request("initialize", wanted, schema.InitializeResponse)
        can = answer.agent_capabilities or schema.AgentCapabilities()
        sessions = can.session_capabilities
        return Greeting(
            version=answer.agent_info.version if answer.agent_info else "",
            resumes=bool(sessions and sessions.resume is not None),
            loads=bool(can.load_session),
            closes=bool(sessions and sessions.close is not None),
        )

    async def authenticate(self, method: str) -> None:
        """Tell it by which of its ways it logs in."""
        wanted = schema.AuthenticateRequest(method_id=method)
        await self._request("authenticate", wanted, schema.AuthenticateResponse)

    async def begin(self) -> Opening:
        """A new session, in the clone."""
        wanted = schema.NewSessionRequest(cwd=str(self._clone), mcp_servers=[])
        answer = await self._request("session_new", wanted, schema.NewSessionResponse)
        return self._opened(answer.session_id, answer)

    async def resume(self, session: str) -> Opening:
        """An earlier session as it stood."""
        wanted = schema.ResumeSessionRequest(session_id=session, cwd=str(self._clone), mcp_servers=[])
        return self._opened(session, await self._request("session_resume", wanted, schema.ResumeSessionResponse))

    async def load(self, session: str) -> Opening:
        """An earlier session, which it tells again from its start; that is not heard."""
        wanted = schema.LoadSessionRequest(session_id=session, cwd=str(self._clone), mcp_servers=[])
        self._deaf = True
        try:
            answer = await self._request("session_load", wanted, schema.LoadSessionResponse)
        finally:
            self._deaf = False
        return self._opened(session, answer)

    async def set_mode(self, mode: str) -> None:
        """How it works from now on, by its own name."""
        wanted = schema.SetSessionModeRequest(session_id=self._session, mode_id=mode)
        await self._request("session_set_mode", wanted, schema.SetSessionModeResponse)

    async def set_option(self, name: str, value: str) -> None:
        """One of its settings."""
        wanted = schema.SetSessionConfigOptionSelectRequest(session_id=self._session, config_id=name, value=value)
        await self._request("session_set_config_option", wanted, schema.SetSessionConfigOptionResponse)

    async def prompt(self, text: str) -> Reply:
        """One turn, from its prompt to its end."""
        wanted = schema.PromptRequest(
            session_id=self._session, prompt=[schema.TextContentBlock(type="text", text=text)]
        )
        answer = await self._request("session_prompt", wanted, schema.PromptResponse)
        return Reply(stop=answer.stop_reason, tokens=tokens(answer.usage), meta=answer.field_meta or {})

    async def steer(self, method: str, text: str) -> bool:
        """A text for the running turn, by a request beyond the protocol; False: no turn was running."""
        said = [serialize_params(_block(text))]
        params = {"sessionId": self._session, "prompt": said, "_meta": {"steering": {"idleBehavior": "promptRequired"}}}
        answer = await self._send(method, params)
        return isinstance(answer, dict) and answer.get("outcome") == "injected"

    async def leave(self) -> None:
        """Let it end the session in order, with what it started for it."""
        wanted = schema.CloseSessionRequest(session_id=self._session)
        await self._request("session_close", wanted, schema.CloseSessionResponse)

    async def cancel(self) -> None:
        """End the turn. No answer comes but the turn's end."""
        wanted = schema.CancelNotification(session_id=self._session)
        await self._connection.send_notification(AGENT_METHODS["session_cancel"], serialize_params(wanted))

    async def close(self) -> None:
        """Whatever is still open ends."""
        await self._connection.close()

    async def _request(self, name: str, wanted: BaseModel, kind: type[Answer]) -> Answer:
        answer = await self._send(AGENT_METHODS[name], serialize_params(wanted))
        try:
            return kind.model_validate(answer if answer is not None else {})
        except ValidationError as error:
            raise PeerGarbled(AGENT_METHODS[name], _problem(error)) from None

    async def _send(self, method: str, params: Mapping[str, Any]) -> object:
        try:
            return await self._connection.send_request(method, params)
        except RequestError as error:
            text, status = _told(error)
            raise PeerRefused(method, error.code, text, status) from None

    def _opened(self, session: str, answer: Opened) -> Opening:
        self._session = session
        modes = answer.modes
        opening = Opening(
            session=session,
            mode=modes.current_mode_id if modes else "",
            modes=tuple(mode.id for mode in modes.available_modes) if modes else (),
        )
        for option in answer.config_options or ():
            if isinstance(option, schema.SessionConfigOptionSelect) and option.category == "model":
                models = tuple(_values(option.options))
                return replace(opening, model=option.current_value, models=models, model_setting=option.id)
        return opening

    # -- what it says and asks -------------------------------------------------------------------------------------

    async def _serve(self, method: str, params: object, is_notification: bool) -> BaseModel | None:
        """Everything that comes without being an answer. Raises nothing but `RequestError`: the SDK would log it."""
        try:
            if method == CLIENT_METHODS["session_update"]:
                self._hear(params)
                return None
            if method == CLIENT_METHODS["session_request_permission"]:
                return await self._ask(schema.RequestPermissionRequest.model_validate(params))
        except ValidationError as error:
            self._client.misread(f"{method} that is not the protocol's: {_problem(error)}")
            raise RequestError.invalid_params({"details": _problem(error)}) from None
        if is_notification:
            return None  # an extension of it
        raise RequestError.method_not_found(method)

    def _hear(self, params: object) -> None:
        if self._deaf or not isinstance(params, dict) or params.get("sessionId") not in ("", self._session):
            return
        update = params.get("update")
        if isinstance(update, dict) and update.get("sessionUpdate") in NOT_FOR_US:
            return
        try:
            told = schema.SessionNotification.model_validate(params)
        except ValidationError as error:
            self._client.misread(f"an update that is not the protocol's: {_problem(error)}")
            return
        for update in self._updates.of(told.update):
            self._client.updated(update)
        if isinstance(told.update, schema.UsageUpdate) and (usd := dollars(told.update.cost)) is not None:
            self._client.spent(usd)
        for meta in (told.update.field_meta, told.field_meta):
            if meta:
                self._client.remarked(meta)

    async def _ask(self, wanted: schema.RequestPermissionRequest) -> schema.RequestPermissionResponse:
        call = wanted.tool_call
        if len(self._open_asks) >= MOST_ASKED:
            return chosen(wanted.options, allow=False)
        self._asked += 1
        name = f"{call.tool_call_id}#{self._asked}"
        tool = self._updates.tool(call)
        self._client.updated(tool)
        self._open_asks[name] = self._asked
        try:
            allowed = await self._client.asked(asks(name, tool, self._updates.input(tool.id)))
        finally:
            del self._open_asks[name]
        return cancelled() if allowed is None else chosen(wanted.options, allow=allowed)


def _block(text: str) -> schema.TextContentBlock:
    return schema.TextContentBlock(type="text", text=text)


def _values(options: Sequence[Any]) -> list[str]:
    """What may be chosen, of options that stand in groups or not."""
    found: list[str] = []
    for option in options:
        found += _values(option.options) if isinstance(option, schema.SessionConfigSelectGroup) else [option.value]
    return found


def _problem(error: ValidationError) -> str:
    """The first thing that is wrong, without the value itself."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _told(error: RequestError) -> tuple[str, int]:
    """What an agent says went wrong, and the HTTP status in it."""
    data = error.data
    detail = data if isinstance(data, str) else ""
    if isinstance(data, Mapping):
        detail = next((str(data[name]) for name in ("details", "message", "error") if data.get(name)), "")
    text = f"{error}: {detail}" if detail and detail not in str(error) else str(error)
    return text, http_status(text)
