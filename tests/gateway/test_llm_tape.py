"""The tape: what was recorded plays again elsewhere and later, strictly, and holds no secret."""

from __future__ import annotations

import json
import stat
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.llm.masks import Masks, shape
from engine.gateway.llm.merging import merged
from engine.gateway.llm.ports import Asked, Stored, TapeMiss
from engine.gateway.llm.tape import Player, Recorder
from engine.gateway.llm.tape_lines import TapeError

HEADERS = (("Content-Type", "text/event-stream"), ("retry-after", "3"), ("set-cookie", "c"), ("x-organization", "o"))


def asked(text="hi", *, agent="builder-1", **more) -> Asked:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    return Asked(
        agent=agent,
        provider="anthropic",
        kind="anthropic",
        method="POST",
        path="/v1/messages?beta=true",
        model="m",
        body=json.dumps(body).encode(),
    )


def answer(*chunks: bytes, **more) -> Stored:
    return Stored(**{"status": 200, "headers": HEADERS, "chunks": chunks or (b"data: {}\n\n",), **more})


def at(base: str):
    return lambda agent: {"clone": f"{base}/trees/{agent}", "repository": base, "home": f"{base}/home"}


@pytest.fixture
def tape(tmp_path):
    """Record pairs of request and answer into a new file; the file."""
    made = []

    def record(*pairs, **more):
        path = tmp_path / f"{len(made)}.tape"
        recorder = Recorder(path, **more)
        made.append(path)
        for one, other in pairs:
            recorder.record(one, other)
        recorder.close()
        recorder.close()
        return path

    return record


def test_what_was_recorded_is_played_in_the_same_portions(tape):
    chunks = (b"data: 1\n", b"\xc3", b"\xa9\n\n", b"")
    player = Player(tape((asked(), answer(*chunks)), (asked("b"), answer(status=500, cut=True))))
    first = player.play(asked())
    assert (first.status, first.chunks, first.cut, player.left) == (200, chunks, False, 1)
    second = player.play(asked("b"))
    assert (second.status, second.cut, player.left) == (500, True, 0)


def test_the_same_request_gets_its_answers_in_their_order(tape):
    player = Player(tape(*((asked(), answer(b"%d" % number)) for number in range(5))))
    assert [player.play(asked()).chunks for _ in range(5)] == [(b"%d" % number,) for number in range(5)]
    with pytest.raises(TapeMiss, match="all 5 requests on it were played"):
        player.play(asked())


def test_agents_that_are_alike_share_answers_and_each_has_its_own_first(tape):
    path = tape((asked(agent="b-1"), answer(b"one")), (asked(agent="b-2"), answer(b"two")))
    player = Player(path)
    assert player.play(asked(agent="b-2")).chunks == (b"two",)
    assert player.play(asked(agent="b-2")).chunks == (b"one",)


def test_a_tape_keeps_nothing_of_heads_but_what_answers_need(tape):
    played = Player(tape((asked(), answer()))).play(asked())
    assert played.headers == HEADERS[:2]


def test_it_plays_in_another_place_under_another_name(tape):
    request = asked("in /a/repo/trees/builder-1/src and -a-repo-trees-builder-1, not in /a/repository")
    path = tape((request, answer(b'data: {"file": "/a/repo/trees/builder-1/x.py"}\n\n')), places=at("/a/repo"))
    assert "/a/repo/" not in path.read_text()
    player = Player(path, places=at("/other/place"))
    now = asked("in /other/place/trees/w/src and -other-place-trees-w, not in /a/repository", agent="w")
    assert player.play(now).chunks == (b'data: {"file": "/other/place/trees/w/x.py"}\n\n',)


def test_a_place_that_is_cut_in_two_is_found_all_the_same(tape):
    def delta(text):
        data = {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": text}}
        return b"event: content_block_delta\ndata: " + json.dumps(data).encode() + b"\n\n"

    stream = b"event: a\ndata: {}\n\n" + b"".join(map(delta, ['{"path": "/a/re', "po/trees/build", 'er-1/x"}']))
    path = tape((asked(), answer(stream[:50], stream[50:])), places=at("/a/repo"))
    (played,) = Player(path, places=at("/b")).play(asked()).chunks
    assert played.count(b"event: content_block_delta") == 1
    assert json.loads(played.split(b"data: ")[2])["delta"]["partial_json"] == '{"path": "/b/trees/builder-1/x"}'


SECRET = "corp-token-0123456789"
SECRETS = [
    "sk-ant-" + "api03-" + "A1b_" * 8,
    "sk-" + "x" * 40,
    "ghp_" + "a" * 36,
    "AKIA" + "A" * 16,
    "AIza" + "b" * 35,
    SECRET,
]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_on_it_wherever_it_stood(tape, secret):
    request = replace(asked(f"my key is {secret}."), path=f"/v1/x?token={secret}")
    chunks = (f'data: {{"text": "{secret[:9]}'.encode(), f'{secret[9:]}"}}\n\n'.encode())
    path = tape((request, answer(*chunks)), secrets=lambda: [SECRET, "short"])
    assert secret not in path.read_text()
    assert Player(path).left == 1


def test_the_file_is_its_owner_s_alone_and_no_other_is_written_over(tape, tmp_path):
    path = tape((asked(), answer()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(TapeError, match="is there already"):
        Recorder(path)
    with pytest.raises(TapeError, match="can not be written: No such file"):
        Recorder(tmp_path / "gone" / "x.tape")


def test_each_answer_is_on_it_before_anything_else_happens(tmp_path):
    recorder = Recorder(tmp_path / "x.tape")
    for count in range(1, 4):
        recorder.record(asked(), answer())
        assert Player(tmp_path / "x.tape").left == count
    recorder.close()


def test_what_a_crash_cut_short_is_passed_over(tape):
    path = tape((asked(), answer()), (asked("b"), answer()))
    whole = path.read_bytes()
    for cut in range(len(whole.splitlines(keepends=True)[0]), len(whole)):
        path.write_bytes(whole[:cut])
        assert Player(path).left == whole[:cut].count(b"\n") - 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"{}\n", "is no tape; make one with `quarterdeck run --record FILE`"),
        (b"[]\n", "is no tape; make one"),
        (b"hello", "is no tape"),
        (b'{"quarterdeck_tape": 2}\n', "of another version"),
        (b'{"quarterdeck_tape": 1}\n{"agent": 3}\n', "t.tape:2: is damaged"),
        (b'{"quarterdeck_tape": 1}\nnot json\n', "t.tape:2: is damaged"),
        (b'{"quarterdeck_tape": 1}\n\xff\n', "t.tape:2: is damaged"),
        (b"[" * 100_000 + b"\n", "t.tape:1: is damaged"),
    ],
)
def test_a_file_that_is_no_tape_is_told_by_its_line(tmp_path, text, why):
    (tmp_path / "t.tape").write_bytes(text)
    with pytest.raises(TapeError, match=why):
        Player(tmp_path / "t.tape")


def test_bytes_that_are_no_base64_are_damage(tape):
    path = tape((asked(), answer(b"\xff")))
    path.write_text(path.read_text().replace('{"base64":"/w=="}', '{"base64":"/w="}'))
    with pytest.raises(TapeError, match=r"0\.tape:2: is damaged: is not base64"):
        Player(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TapeError, match="can not be read: No such file"):
        Player(tmp_path / "gone")


def miss(player: Player, request: Asked) -> str:
    with pytest.raises(TapeMiss) as error:
        player.play(request)
    return str(error.value)


def test_a_miss_says_where_it_parts_from_the_nearest(tape):
    texts = ("something else", "please mend the parser of dates", "please")
    player = Player(tape(*((asked(text), answer()) for text in texts)))
    assert miss(player, asked("please mend the parser of times")) == (
        "the tape has no answer to builder-1's POST /v1/messages?beta=true (m); the nearest one differs at "
        'messages[0].content: recorded "… mend the parser of dates", asked "… mend the parser of times"'
    )


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (replace(asked(), path="/v1/other"), "none of the 1 left is for that address"),
        (replace(asked(), method="GET"), "none of the 1 left is for that address"),
        (replace(asked(), model="n"), "recorded was the model m"),
        (asked(tools=[1]), 'differs at tools: recorded "nothing", asked "[1]"'),
        (replace(asked(), body=b""), "the nearest one differs at its body"),
        (replace(asked("x\x1b[31m"), agent="w"), 'asked "x [31m"'),
    ],
)
def test_a_miss_says_what_it_is_whatever_differs(tape, request_, why):
    said = miss(Player(tape((asked(), answer()))), request_)
    assert why in said
    assert said.isprintable()


def test_a_miss_passes_over_moments_on_its_way_to_what_differs(tape):
    player = Player(tape((asked("id 1a2b3c4: one"), answer())))
    assert 'recorded "id ~: one", asked "id ~: two"' in miss(player, asked("id 9f8e7d6: two"))


def test_a_miss_shows_no_place_and_no_secret_of_here(tape):
    player = Player(tape((asked("a"), answer()), places=at("/a/repo")), places=at("/a/repo"))
    said = miss(player, asked("b /a/repo/x sk-" + "x" * 40))
    assert "/a/repo" not in said
    assert "xxxx" not in said


MOMENTS = [
    ("at 2026-11-24", "at 2027-01-01"),
    ("at 2026-11-24T10:11:12.5Z", "at 2027-01-01T00:00:00+01:00"),
    ("run 01JD3Q5T9W8X7V6Y5Z4A3B2C1D", "run 01JE3Q5T9W8X7V6Y5Z4A3B2C1D"),
    ("id 5b8c1d9e-1111-4222-8333-944455556666.", "id 00000000-1111-4222-8333-944455556667."),
    ("commit 1a2b3c4 ok", "commit 9f8e7d6 ok"),
    ("1 passed in 0.02s", "1 passed in 1.3s"),
    ("Wall time: 0.0000 seconds\n", "Wall time: 0.5 seconds\n"),
    ("in /tmp/claude-1/x", "in /tmp/claude-2/x"),
    ("Process Group PGID: 612", "Process Group PGID: 1414"),
    ("Original token count: 25", "Original token count: 27"),
    ("Today is Tuesday, November 24, 2026.", "Today is Friday, May 1, 2027."),
]


@pytest.mark.parametrize(("then", "now"), MOMENTS)
@pytest.mark.parametrize("before", ["", "x\n", 'a "quoted ', "\\n"])
def test_moments_and_ids_are_no_difference(tape, then, now, before):
    player = Player(tape((asked(before + then), answer())))
    assert player.play(asked(before + now)).status == 200


@pytest.mark.parametrize(
    ("then", "now"), [("3 tests", "4 tests"), ("line 12", "line 13"), ("Money", "Month"), ("x", "x ")]
)
def test_other_figures_and_words_are(tape, then, now):
    assert "differs at messages[0].content" in miss(Player(tape((asked(then), answer()))), asked(now))


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_was_concealed_is_revealed_as_it_was(before, after):
    masks = Masks({"clone": "/a/repo/trees/x", "home": "/home/me"})
    text = f"{before}/a/repo/trees/x/{after} /home/me"
    assert masks.reveal(masks.conceal(text)) == text


@given(st.text(alphabet="0123456789abcdef-:TZ. /tmp\\n\n", max_size=40))
def test_a_shape_is_the_same_however_often_it_is_taken(text):
    assert shape(shape(text)) == shape(text)


def _chat(piece, **more):
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}], **more}


def _call(piece):
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}}]}


def _gemini(piece, count):
    return {"candidates": [{"content": {"parts": [{"text": piece}]}}], "usageMetadata": {"totalTokenCount": count}}


STREAMS = {
    "anthropic": [{"type": "content_block_delta", "delta": {"type": "text_delta", "text": piece}} for piece in "abba"],
    "chat": [_chat(piece) for piece in "abba"],
    "calls": [_call(piece) for piece in "abba"],
    "responses": [
        {"type": "response.output_text.delta", "delta": piece, "sequence_number": number}
        for number, piece in enumerate("abba")
    ],
    "gemini": [_gemini(piece, number) for number, piece in enumerate("abba")],
}


def _sse(events) -> bytes:
    return b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)


@pytest.mark.parametrize("name", STREAMS)
def test_the_crumbs_of_one_text_become_one_event_in_every_dialect(name):
    made = merged(_sse(STREAMS[name]))
    assert made.count(b"data: ") == 1
    assert b"abba" in made
    if name == "gemini":
        assert b'"totalTokenCount": 3' in made


@given(
    st.lists(
        st.sampled_from([*(event for stream in STREAMS.values() for event in stream), {"type": "ping"}, 3, "x", []]),
        max_size=12,
    )
)
def test_merging_changes_no_text_and_no_order(events):
    made = [json.loads(part.split(b"data: ", 1)[1]) for part in merged(_sse(events)).split(b"\n\n") if part]
    assert _letters(made) == _letters(events)
    assert len(made) <= len(events)
    assert merged(_sse(made)) == _sse(made) or len(made) == len(events)


def _letters(value) -> str:
    """All pieces of text, one after the other."""
    if isinstance(value, dict):
        return "".join(_letters(inner) for key, inner in value.items() if key not in {"type", "id"})
    if isinstance(value, list):
        return "".join(map(_letters, value))
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(
    "stream", [b"", b": comment\n\n", b"data: [DONE]\n\n", b"data: {\n\n", b"data: 1", b"\xff\xfe\n\n"]
)
def test_what_needs_no_merging_stays_byte_by_byte(stream):
    assert merged(stream) == stream
