"""What a request asks for is found, whatever it looks like, and nothing of it changes but what must."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from support.wire import CHAT_ASK, dialect, parsed

from engine.gateway.llm import dialects
from engine.gateway.llm.dialects import packed
from engine.gateway.llm.dialects.base import Call, Plain, Refused
from engine.gateway.llm.dialects.errors import BadCall
from engine.gateway.llm.values import Kind

MESSAGES, CHAT, RESPONSES = "/v1/messages", "/v1/chat/completions", "/v1/responses"
GENERATE = "/v1beta/models/gemini-2.5-pro:generateContent"
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
IMAGE = "iVBORw0KGgo" * 5000


def messages(**more: Any) -> Call:
    return parsed("anthropic", MESSAGES, {"model": "claude-opus-5", "max_tokens": 4000, "messages": [], **more})


def messages_raw(raw: str) -> Call:
    return parsed("anthropic", MESSAGES, f'{{"model":"m","max_tokens":1,"messages":{raw}}}'.encode())


def chat(**more: Any) -> Call:
    return parsed("openai", CHAT, {"model": "gpt-5.5", "messages": [], **more})


def responses(**more: Any) -> Call:
    return parsed("openai", RESPONSES, {"model": "gpt-5.5", "input": [], **more})


def gemini(path: str = GENERATE, **more: Any) -> Call:
    return parsed("gemini", path, {"contents": [], **more})


def sent(call: Call, **how: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(call.changed(**how)[1])
    return body


# Paths


@pytest.mark.parametrize(
    ("kind", "method", "path", "name"),
    [
        ("anthropic", "POST", "/v1/messages", "messages"),
        ("openai", "POST", "/v1/chat/completions", "chat"),
        ("openai", "POST", "/chat/completions", "chat"),
        ("openai", "POST", "/v1/responses", "responses"),
        ("openai", "POST", "/responses", "responses"),
        ("openai", "POST", "/v1/responses/compact", "compact"),
        ("gemini", "POST", "/v1beta/models/gemini-2.5-pro:generateContent", "generate"),
        ("gemini", "POST", "/v1/models/gemini-2.5-pro:streamGenerateContent", "generate"),
    ],
)
def test_paths_that_cost_are_metered(kind: Kind, method: str, path: str, name: str) -> None:
    assert dialect(kind, path).name == name
    assert dialects.of(kind, "GET", path) is None or name == "responses"


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("anthropic", "POST", "/v1/messages/count_tokens"),
        ("anthropic", "GET", "/v1/models"),
        ("anthropic", "GET", "/v1/models/claude-opus-5"),
        ("openai", "GET", "/v1/models"),
        ("openai", "GET", "/models/gpt-5.5"),
        ("gemini", "GET", "/v1beta/models/gemini-2.5-pro"),
        ("gemini", "POST", "/v1beta/models/gemini-2.5-pro:countTokens"),
    ],
)
def test_paths_that_cost_nothing_pass(kind: Kind, method: str, path: str) -> None:
    assert dialects.of(kind, method, path) == Plain()


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("anthropic", "POST", "/v1/messages/batches"),
        ("anthropic", "GET", "/v1/messages/batches/b1/results"),
        ("openai", "POST", "/v1/batches"),
        ("gemini", "POST", "/v1beta/models/gemini-2.5-pro:batchGenerateContent"),
        ("gemini", "POST", "/v1beta/cachedContents"),
        ("openai", "GET", "/v1/responses"),
        ("openai", "GET", "/v1/realtime"),
    ],
)
def test_what_could_not_be_metered_is_refused_with_the_reason(kind: Kind, method: str, path: str) -> None:
    found = dialects.of(kind, method, path)
    assert isinstance(found, Refused)
    assert len(found.why) > 20


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("anthropic", "POST", "/v1/files"),
        ("anthropic", "POST", "/v1//messages"),
        ("anthropic", "POST", "/v1/x/../messages"),
        ("anthropic", "POST", "/v1/messages/"),
        ("anthropic", "POST", "/v1/%6dessages"),
        ("anthropic", "POST", "/v1/complete"),
        ("anthropic", "PUT", "/v1/messages"),
        ("openai", "POST", "/v1/messages"),
        ("openai", "POST", "/v1/embeddings"),
        ("openai", "POST", "/v1/completions"),
        ("openai", "POST", "/v1/images/generations"),
        ("openai", "POST", "/v1/models"),
        ("openai", "GET", "/v1/responses/r1"),
        ("gemini", "POST", "/v1beta/models/gemini-2.5-pro:embedContent"),
        ("gemini", "POST", "/v1beta/models/a/b:generateContent"),
        ("gemini", "POST", "/v1beta/models/gemini-2.5-pro:generateContent:countTokens"),
        ("gemini", "POST", "/upload/v1beta/files"),
    ],
)
def test_every_other_path_is_not_known(kind: Kind, method: str, path: str) -> None:
    assert dialects.of(kind, method, path) is None


# What changes


SPACED = b'{ "model" : "claude-opus-5",\n "max_tokens": 4000, "x": 1.0e2, "messages": [ {"a": "\\u00e9"} ] }'


def test_a_request_of_which_nothing_must_change_keeps_every_byte() -> None:
    call = parsed("anthropic", MESSAGES, SPACED)
    assert call.changed() == (MESSAGES, SPACED)
    assert call.changed(model="claude-opus-5", most_out=4000) == (MESSAGES, SPACED)


def test_what_is_beside_a_change_keeps_its_bytes() -> None:
    _, body = parsed("anthropic", MESSAGES, SPACED).changed(model="claude-haiku-4-5", most_out=2000)
    assert b'"x":1.0e2' in body
    assert b'[ {"a": "\\u00e9"} ]' in body
    assert json.loads(body) == {**json.loads(SPACED), "model": "claude-haiku-4-5", "max_tokens": 2000}


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(st.none() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3)),
        max_size=5,
    ),
    st.sampled_from([None, 1, 3]),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]),
)
def test_however_json_is_written_it_is_the_same_json(
    extra: dict[str, Any], indent: int | None, ascii_only: bool, separators: tuple[str, str]
) -> None:
    body = {**extra, "model": "m", "max_tokens": 9, "messages": []}
    raw = json.dumps(body, indent=indent, ensure_ascii=ascii_only, separators=separators).encode()
    call = parsed("anthropic", MESSAGES, raw)
    assert json.loads(call.changed()[1]) == body
    assert sent(call, most_out=5) == {**body, "max_tokens": 5}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"a","max_tokens":10,"messages":[],"max_tokens":99999}',
        b'{"model":"a","max\\u005ftokens":99999,"messages":[],"max_tokens":10}',
        b'{"model":"a" , "max_tokens":99999, "messages":[], "max_tokens":10}',
    ],
)
def test_a_member_that_is_there_twice_goes_on_once_and_is_the_one_that_was_read(raw: bytes) -> None:
    call = parsed("anthropic", MESSAGES, raw)
    _, body = call.changed()
    pairs: list[tuple[str, Any]] = json.loads(body, object_pairs_hook=list)
    assert [name for name, _ in pairs].count("max_tokens") == 1
    assert dict(pairs)["max_tokens"] == call.most_out


def test_a_limit_that_is_there_twice_below_is_there_once() -> None:
    raw = b'{"contents":[],"generationConfig":{"maxOutputTokens":10,"maxOutputTokens":99999}}'
    call = parsed("gemini", GENERATE, raw)
    assert call.most_out == 99999
    pairs: list[tuple[str, Any]] = json.loads(call.changed()[1], object_pairs_hook=list)
    assert dict(pairs)["generationConfig"] == [("maxOutputTokens", 99999)]


@pytest.mark.parametrize("letter", ["s", "o", "_"])
def test_a_member_whose_letters_are_disguised_is_found(letter: str) -> None:
    message = json.dumps(user({"type": "image", "source": {"type": "url", "url": "https://x"}}))
    raw = f'{{"model":"m","max_tokens":1,"messages":[{message}],"x":{{"cache_control":{{"type":"ephemeral"}}}}}}'
    call = parsed("anthropic", MESSAGES, raw.replace(letter, f"\\u{ord(letter):04x}").encode())
    assert (call.by_reference, call.cache_age) == (True, "5m")
    assert json.loads(call.changed()[1]) == json.loads(raw)


def test_escapes_that_encoders_write_leave_every_byte_as_it_is() -> None:
    raw = b'{"model":"m","max_tokens":1,"messages":["\\u003c\\u00e9\\u0000\\u007f\\u2028\\u0026"]}'
    assert parsed("anthropic", MESSAGES, raw).changed()[1] == raw


def test_two_spellings_of_one_member_are_refused() -> None:
    config = {"maxOutputTokens": 10, "max_output_tokens": 99999}
    with pytest.raises(BadCall, match="maxOutputTokens and max_output_tokens"):
        gemini(generationConfig=config)
    with pytest.raises(BadCall, match="generationConfig and generation_config"):
        gemini(generationConfig={}, generation_config={})


def test_half_of_a_surrogate_pair_is_the_vendors_to_judge() -> None:
    raw = b'{"model":"a","max_tokens":10,"messages":["\\ud83d"]}'
    call = parsed("anthropic", MESSAGES, raw)
    assert json.loads(call.changed(most_out=5)[1]) == {"model": "a", "max_tokens": 5, "messages": ["\ud83d"]}
    file = {"type": "document", "source": {"type": "file", "file_id": "f"}}
    assert messages_raw(json.dumps([user({"type": "text", "text": "\ud83d"}, file)])).by_reference


@pytest.mark.parametrize("raw", [b"", b"x", b"[]", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": NaN}', b"\xff", b"null"])
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    for kind, path in (("anthropic", MESSAGES), ("openai", CHAT), ("openai", RESPONSES), ("gemini", GENERATE)):
        with pytest.raises(BadCall) as caught:
            parsed(kind, path, raw)  # type: ignore[arg-type]
        assert caught.value.status == 400


@given(st.binary(max_size=100))
def test_no_body_does_more_than_be_refused(raw: bytes) -> None:
    for kind, path in (("anthropic", MESSAGES), ("openai", CHAT), ("openai", RESPONSES), ("gemini", GENERATE)):
        for body in (raw, b'{"model":"m","max_tokens":1,"messages":' + raw + b"}", b'{"input":[{"a":"' + raw + b'"}]}'):
            try:
                parsed(kind, path, body)  # type: ignore[arg-type]
            except BadCall:
                pass


# Messages


def test_a_message_must_say_its_limit() -> None:
    with pytest.raises(BadCall, match="max_tokens"):
        parsed("anthropic", MESSAGES, {"model": "m", "messages": []})


@pytest.mark.parametrize("limit", ["100", 1.5, -1, True, [], 10**30])
def test_a_limit_that_is_no_number_of_tokens_is_refused(limit: object) -> None:
    if limit != "100":
        with pytest.raises(BadCall, match="max_tokens"):
            messages(max_tokens=limit)
        with pytest.raises(BadCall, match="maxOutputTokens"):
            gemini(generationConfig={"maxOutputTokens": limit})
        with pytest.raises(BadCall, match="max_output_tokens"):
            responses(max_output_tokens=limit)


def test_the_floor_is_above_what_thinking_may_take_and_never_above_the_limit() -> None:
    assert messages(max_tokens=32000).floor_out == 1024
    assert messages(max_tokens=32000, thinking={"type": "enabled", "budget_tokens": 10_000}).floor_out == 11_024
    assert messages(max_tokens=1).floor_out == 1
    assert gemini(generationConfig={"thinkingConfig": {"thinkingBudget": 5000}}).floor_out == 6024
    assert gemini(generationConfig={"thinkingConfig": {"thinkingBudget": -1}}).floor_out == 1024


def test_the_dearest_age_of_cache_is_found() -> None:
    def marked(**mark: str) -> list[dict[str, Any]]:
        return [
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", **mark}}]}
        ]

    assert messages().cache_age == ""
    assert messages(messages=marked()).cache_age == "5m"
    assert messages(messages=marked(ttl="1h")).cache_age == "1h"
    assert messages(system=marked(ttl="1h")[0]["content"]).cache_age == "1h"
    assert messages(cache_control={"type": "ephemeral"}).cache_age == "5m"


def test_tiers_and_searches_are_found() -> None:
    assert messages(speed="fast").tier == "fast"
    assert messages(speed="fast", inference_geo="us").tier == "fast+us"
    search = {"type": "web_search_20250305", "name": "web_search"}
    assert messages(tools=[{**search, "max_uses": 3}]).searches == 3
    assert messages(tools=[search]).searches == 8
    assert messages(tools=[{"name": "web_search_2", "input_schema": {}}]).searches == 0
    assert chat(service_tier="priority").tier == "priority"
    assert responses(service_tier="flex", tools=[{"type": "web_search"}]).searches == 1
    assert responses(max_tool_calls=4, tools=[{"type": "web_search_preview"}]).searches == 4
    assert gemini(tools=[{"googleSearch": {}}]).searches == 1


# Chat


def test_usage_is_asked_for_where_a_stream_does_not() -> None:
    assert sent(chat(stream=True))["stream_options"] == {"include_usage": True}
    assert sent(chat(stream=True, stream_options={"x": 1}))["stream_options"] == {"x": 1, "include_usage": True}
    assert sent(chat(stream=True, stream_options={"include_usage": False}))["stream_options"] == {"include_usage": True}
    assert "stream_options" not in sent(chat(stream=True), count=False)
    assert "stream_options" not in sent(chat())
    call = parsed("openai", CHAT, CHAT_ASK)
    assert call.changed() == (CHAT, call.fields.body)


def test_each_of_a_chats_two_limits_is_lowered_where_it_stands() -> None:
    assert chat().most_out is None
    assert sent(chat(), most_out=50)["max_completion_tokens"] == 50
    assert "max_tokens" not in sent(chat(), most_out=50)
    assert sent(chat(max_tokens=100), most_out=50)["max_tokens"] == 50
    both = chat(max_tokens=100, max_completion_tokens=200)
    assert both.most_out == 200
    assert (sent(both, most_out=50)["max_tokens"], sent(both, most_out=50)["max_completion_tokens"]) == (50, 50)


def test_several_choices_are_several_answers() -> None:
    assert chat(n=4, max_tokens=100).choices == 4
    assert gemini(generationConfig={"candidateCount": 3}).choices == 3
    with pytest.raises(BadCall, match="n is"):
        chat(n=10_000)


# Responses


def test_a_response_without_a_limit_can_be_given_one() -> None:
    assert responses().most_out is None
    assert sent(responses(), most_out=50)["max_output_tokens"] == 50
    assert "max_output_tokens" not in sent(responses())


def test_a_compaction_has_no_limit_to_be_given() -> None:
    call = parsed("openai", "/v1/responses/compact", {"model": "gpt-5.5", "input": []})
    assert (call.open_ended, call.most_out) == (True, None)
    assert not responses().open_ended
    assert call.changed(most_out=50) == ("/v1/responses/compact", call.fields.body)
    assert dialects.graceful(call, "no") is None


def test_background_responses_are_refused() -> None:
    with pytest.raises(BadCall, match="background"):
        responses(background=True)
    assert responses(background=False).most_out is None


# Gemini


def test_the_model_of_gemini_is_changed_in_the_path() -> None:
    call = gemini()
    assert call.model == "gemini-2.5-pro"
    assert call.changed(model="gemini-2.5-flash") == (GENERATE.replace("pro", "flash"), b'{"contents":[]}')


def test_the_limit_of_gemini_is_set_where_it_stands_in_either_spelling() -> None:
    assert sent(gemini(), most_out=50) == {"contents": [], "generationConfig": {"maxOutputTokens": 50}}
    config = {"temperature": 1, "max_output_tokens": 100}
    assert sent(gemini(generation_config=config), most_out=50)["generation_config"] == {
        **config,
        "max_output_tokens": 50,
    }
    assert gemini(generationConfig={"maxOutputTokens": "100"}).most_out == 100


# By reference


BY_REFERENCE = {
    "image by url": lambda: messages(messages=[user({"type": "image", "source": {"type": "url", "url": "https://x"}})]),
    "file by id": lambda: messages(messages=[user({"type": "document", "source": {"type": "file", "file_id": "f"}})]),
    "document": lambda: messages(messages=[user({"type": "document", "source": PDF})]),
    "image in a tool result": lambda: messages(
        messages=[
            user({"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}]})
        ]
    ),
    "container": lambda: messages(container="c1"),
    "mcp servers": lambda: messages(mcp_servers=[{"type": "url", "url": "https://x"}]),
    "chat image by url": lambda: chat(messages=[user({"type": "image_url", "image_url": {"url": "https://x"}})]),
    "chat file": lambda: chat(messages=[user({"type": "file", "file": {"file_id": "f"}})]),
    "earlier response": lambda: responses(previous_response_id="r1"),
    "conversation": lambda: responses(conversation={"id": "c1"}),
    "prompt by id": lambda: responses(prompt={"id": "p1"}),
    "item by id": lambda: responses(input=[{"type": "item_reference", "id": "i1"}]),
    "input file": lambda: responses(input=[user({"type": "input_file", "file_id": "f"})]),
    "input image": lambda: responses(input=[user({"type": "input_image", "file_id": "f"})]),
    "tool output image": lambda: responses(
        input=[{"type": "function_call_output", "output": [{"type": "input_image", "image_url": "https://x"}]}]
    ),
    "fetching": lambda: messages(tools=[{"type": "web_fetch_20250910", "name": "web_fetch"}]),
    "running code": lambda: messages(tools=[{"type": "code_execution_20250825", "name": "code_execution"}]),
    "searching files": lambda: responses(tools=[{"type": "file_search", "vector_store_ids": ["v1"]}]),
    "mcp tool": lambda: responses(tools=[{"type": "mcp", "server_url": "https://x"}]),
    "url context": lambda: gemini(tools=[{"functionDeclarations": []}, {"urlContext": {}}]),
    "cached content": lambda: gemini(cachedContent="cachedContents/c1"),
    "cached content, other spelling": lambda: gemini(cached_content="cachedContents/c1"),
    "file data": lambda: gemini(contents=[{"parts": [{"fileData": {"fileUri": "https://x"}}]}]),
    "file data, other spelling": lambda: gemini(contents=[{"parts": [{"file_data": {"file_uri": "https://x"}}]}]),
    "pdf": lambda: gemini(contents=[{"parts": [{"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}}]}]),
}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


@pytest.mark.parametrize("what", BY_REFERENCE)
def test_what_is_not_in_the_bytes_is_seen(what: str) -> None:
    assert BY_REFERENCE[what]().by_reference


@pytest.mark.parametrize(
    "call",
    [
        lambda: messages(
            messages=[user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}})]
        ),
        lambda: chat(messages=[user({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}})]),
        lambda: responses(input=[user({"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE}"})]),
        lambda: gemini(contents=[{"parts": [{"inlineData": {"mimeType": "image/png", "data": IMAGE}}]}]),
    ],
)
def test_images_are_counted_as_images(call: Any) -> None:
    content = call().content
    assert (content.images, content.by_reference) == (1, False)
    assert content.plain + content.dense < 300
    assert content.pieces[-1].weight < 5300


def test_words_that_look_like_references_in_texts_and_tools_are_texts() -> None:
    text = json.dumps({"type": "image", "source": {"type": "url", "url": "https://x"}})
    call = messages(
        messages=[
            user({"type": "text", "text": text}),
            user({"type": "tool_use", "id": "t", "name": "n", "input": json.loads(text)}),
        ]
    )
    assert not call.by_reference


# Packed bodies


@pytest.mark.parametrize(
    ("packing", "pack"),
    [
        ("", bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("ZSTD", zstandard.compress),
    ],
)
def test_packed_requests_are_undone(packing: str, pack: Any) -> None:
    assert packed.unpacked(pack(b'{"a": 1}' * 99), packing) == b'{"a": 1}' * 99


@pytest.mark.parametrize(("packing", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_small_body_can_not_unpack_to_any_size(packing: str, pack: Any) -> None:
    bomb = pack(bytes(65 << 20))
    assert len(bomb) < 1 << 20
    with pytest.raises(BadCall, match="32 MiB") as caught:
        packed.unpacked(bomb, packing)
    assert caught.value.status == 413


@pytest.mark.parametrize("packing", ["gzip", "deflate", "zstd"])
def test_a_body_that_is_not_packed_as_it_says_is_refused(packing: str) -> None:
    with pytest.raises(BadCall) as caught:
        packed.unpacked(b"nonsense", packing)
    assert caught.value.status == 400


def test_a_body_whose_packing_ends_too_early_is_refused() -> None:
    with pytest.raises(BadCall, match="ends before"):
        packed.unpacked(gzip.compress(b"x" * 999)[:-12], "gzip")


def test_a_packing_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadCall, match="'br'") as caught:
        packed.unpacked(b"x", "br")
    assert caught.value.status == 415
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    with pytest.raises(BadCall, match="zstandard") as caught:
        packed.unpacked(zstandard.compress(b"x"), "zstd")
    assert caught.value.status == 415


# Refusals


@pytest.mark.parametrize("status", [400, 401, 402, 404, 413, 415, 429, 500, 502, 503, 529])
def test_a_refusal_has_the_shape_of_its_dialect(status: int) -> None:
    shapes: list[tuple[Kind, str, Any]] = [
        ("anthropic", MESSAGES, lambda body: body["error"]["message"]),
        ("openai", CHAT, lambda body: body["error"]["message"]),
        ("openai", RESPONSES, lambda body: body["error"]["message"]),
        ("gemini", GENERATE, lambda body: body["error"]["message"]),
    ]
    for kind, path, message in shapes:
        answered, headers, body = dialects.refusal(dialect(kind, path), status, "budget_exceeded", "no money left")
        assert answered == status
        assert headers["content-type"] == "application/json"
        assert headers.get("x-should-retry") == (None if status == 429 or status >= 500 else "false")
        assert message(json.loads(body)) == "no money left"


def test_a_budget_that_is_used_up_is_named_as_each_dialect_does() -> None:
    def body(kind: Kind, path: str) -> Any:
        return json.loads(dialects.refusal(dialect(kind, path), 402, "budget_exceeded", "no")[2])

    assert body("anthropic", MESSAGES)["type"] == "error"
    assert body("anthropic", MESSAGES)["error"]["type"] == "billing_error"
    assert body("openai", RESPONSES)["error"]["type"] == "insufficient_quota"
    assert body("openai", RESPONSES)["error"]["code"] == "budget_exceeded"
    assert body("gemini", GENERATE)["error"]["code"] == 402
    assert body("gemini", GENERATE)["error"]["details"][0]["reason"] == "BUDGET_EXCEEDED"
