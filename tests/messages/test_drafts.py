"""Drafts: what is taken, what is refused and where, and that nothing else ever comes out."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from engine.messages.drafts import Draft, id_for, parse_draft, signed_part
from engine.messages.errors import DraftRefused
from engine.messages.hostile import MOST_BYTES, MOST_DEPTH
from engine.messages.payloads import PAYLOADS
from engine.messages.trust import RULES

ULID_A = "01JD8Q6Y7Z8A9B0C1D2E3F4G5H"

VALID = {
    "task_assignment": {"task": "parse", "prompt": "do it"},
    "result": {"task": "parse", "outcome": "done", "confidence": 1},
    "error": {"reason": "no compiler"},
    "clarification_request": {"question": "which?", "options": ["a", "b"]},
    "answer": {"text": "a"},
    "proposal": {"summary": "split it", "touches": ["src/a.py"]},
    "review": {"task": "parse", "verdict": "reject", "remarks": "no test"},
    "verdict": {"choice": "builder-1", "reason": "smaller"},
    "steer": {"text": "mind the edge"},
    "stop": {},
    "claim": {"paths": ["src/a.py"]},
    "escalation": {"reason": "two specs disagree"},
    "note": {"text": "hello"},
}


def raw(**fields: object) -> bytes:
    return json.dumps({"kind": "note", "payload": {"text": "hello"}} | fields).encode()


def parse(data: bytes, **options: object) -> Draft:
    return parse_draft(data, **({"sender": "builder-1", "trust": "standard"} | options))


def refusal(data: bytes, **options: object) -> DraftRefused:
    with pytest.raises(DraftRefused) as caught:
        parse(data, **options)
    assert caught.value.reason
    assert len(str(caught.value)) < 1000, "a refusal does not repeat what it refuses"
    return caught.value


def test_every_kind_has_a_valid_example_here():
    assert set(VALID) == set(PAYLOADS)


@pytest.mark.parametrize("kind", VALID)
def test_a_trusted_agent_may_send_every_kind(kind):
    draft = parse(raw(kind=kind, payload=VALID[kind], to="builder-2", correlation=ULID_A), trust="trusted")
    assert (draft.kind, draft.to, draft.sender, draft.correlation) == (kind, "builder-2", "builder-1", ULID_A)
    assert isinstance(draft.payload, PAYLOADS[kind])


@pytest.mark.parametrize("kind", VALID)
@pytest.mark.parametrize("trust", RULES)
def test_kinds_outside_the_table_are_refused(kind, trust):
    data = raw(kind=kind, payload=VALID[kind], to="engine", correlation=ULID_A)
    if kind in RULES[trust].kinds:
        assert parse(data, trust=trust).kind == kind
    else:
        assert refusal(data, trust=trust).field == "kind"


@pytest.mark.parametrize("kind", ["task_assignment", "stop", "steer", "answer"])
def test_orders_and_answers_are_for_trusted_agents_only(kind):
    assert all((kind in rule.kinds) == (trust == "trusted") for trust, rule in RULES.items())


@pytest.mark.parametrize("kind", VALID)
@pytest.mark.parametrize("damage", [{"unknown": 1}, None, [], "text", {"task": 7, "text": 7, "reason": 7}])
def test_a_payload_that_is_not_its_kinds_is_refused_at_its_field(kind, damage):
    payload = VALID[kind] | damage if damage == {"unknown": 1} else damage
    field = refusal(raw(kind=kind, payload=payload, to="engine", correlation=ULID_A), trust="trusted").field
    assert field.startswith("payload")


def test_who_is_not_addressed_is_the_engine():
    assert parse(raw()).to == "engine"


@pytest.mark.parametrize("kind", ["task_assignment", "answer", "steer", "stop"])
def test_some_kinds_need_a_recipient(kind):
    data = raw(kind=kind, payload=VALID[kind], correlation=ULID_A)
    assert refusal(data, trust="trusted").field == "to"


def test_an_answer_needs_its_question():
    assert refusal(raw(kind="answer", payload=VALID["answer"], to="b"), trust="trusted").field == "correlation"


def test_an_untrusted_agent_speaks_only_upwards():
    assert parse(raw(to="person"), trust="untrusted").to == "person"
    assert refusal(raw(to="builder-2"), trust="untrusted").field == "to"


def test_a_recipient_who_does_not_exist_is_refused_when_the_crew_is_known():
    assert parse(raw(to="b"), crew={"b"}).to == "b"
    assert parse(raw(to="person"), crew={"b"}).to == "person"
    assert refusal(raw(to="c"), crew={"b"}).field == "to"


def test_nobody_speaks_in_anothers_name():
    assert parse(raw(**{"from": "builder-1"})).sender == "builder-1"
    for other in ("builder-2", "engine", "person"):
        assert refusal(raw(**{"from": other})).field == "from"


class TestSignature:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    fields = {"kind": "note", "payload": {"text": "grüße \u202e"}, "from": "builder-1"}  # noqa: RUF012

    def signed(self, **changed: object) -> bytes:
        signature = base64.b64encode(self.key.sign(signed_part(self.fields))).decode()
        return json.dumps(self.fields | {"signature": signature} | changed, indent=3).encode()

    def test_a_good_one_is_taken_whatever_the_spelling_of_the_json(self):
        assert parse(self.signed(), public=self.public).payload.text == "grüße \u202e"

    def test_any_change_is_found(self):
        assert refusal(self.signed(payload={"text": "other"}), public=self.public).field == "signature"
        assert refusal(self.signed(to="person"), public=self.public).field == "signature"

    def test_another_key_and_no_key_are_refused(self):
        other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        assert refusal(self.signed(), public=other).field == "signature"
        assert refusal(self.signed()).field == "signature"

    @pytest.mark.parametrize("signature", ["", "x", "A" * 86 + "==", "é" * 88, 7, None])
    def test_what_is_no_signature_is_refused(self, signature):
        data = self.signed(signature=signature)
        if signature is None:
            assert parse(data).kind == "note"  # given as null is not given
        else:
            assert refusal(data, public=self.public).field == "signature"


def nested(depth: int) -> bytes:
    return b'{"kind":"note","payload":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 1_000_000,
        b'{"kind": "note", "payload": {"text": "' + b"a" * MOST_BYTES + b'"}}',
        b'"' * 200_000,
        b'"\\' * 100_000,
        b"[" * 200_000,
        b'{"a":' * 40_000,
        nested(MOST_DEPTH),
        nested(5000),
        b'{"kind": "note", "payload": {"text": "a"}, "x": [' + b"1," * 100_000 + b"1]}",
        b'{"kind": "note", "payload": {' + b",".join(b'"%d":1' % n for n in range(1000)) + b"}}",
        b'{"kind": "note", "payload": {"text": "\xc3\x28"}}',
        b'{"kind": "note", "payload": {"text": "\\ud800"}}',
        b'{"kind": "note", "payload": {"text": "a"}, "kind": "stop"}',
        b'{"kind": "note", "payload": {"text": "a", "text": "b"}}',
        b'{"kind": "note", "payload": {"text": NaN}}',
        b'{"kind": "result", "payload": {"task": "a", "outcome": "done", "confidence": -Infinity}}',
        b'{"kind": "result", "payload": {"task": "a", "outcome": "done", "confidence": 1e999}}',
        b'{"kind": "result", "payload": {"task": "a", "outcome": "done", "confidence": ' + b"9" * 100_000 + b"}}",
        b'{"kind": "result", "payload": {"task": "a", "outcome": "done", "confidence": 99999999999999999999}}',
        b'{"kind": "note", "payload": {"text": "a"}} trailing',
        b"\xef\xbb\xbf" + raw(),
        raw().decode().encode("utf-16"),
        b'{"kind": "note", "payload": {"text": "a"}, "to": 9223372036854775808}',
        raw(kind="task_assignment", payload={"task": "a", "prompt": "b", "attempt": 2**62}, to="b"),
        b"null",
        b"[]",
        b"7",
        b'{"payload": {}}',
        b'{"kind": "note"}',
        b'{"kind": ["note"], "payload": {"text": "a"}}',
        raw(kind="shutdown"),
        raw(to="../../etc"),
        raw(to=""),
        raw(to="a\n"),
        raw(id="not-a-ulid"),
        raw(id="8" + ULID_A[1:]),
        raw(correlation=7),
        raw(run="other"),
        raw(at=1),
        raw(payload={"text": ""}),
        raw(kind="claim", payload={}),
        raw(kind="result", payload={"task": "A b", "outcome": "done"}),
        raw(kind="result", payload={"task": "a", "outcome": "done", "confidence": "1"}),
        raw(kind="result", payload={"task": "a", "outcome": "done", "confidence": True}),
        raw(kind="result", payload={"task": "a", "outcome": "done", "confidence": 1.01}),
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_hostile_or_wrong_is_refused_with_a_reason(data):
    refusal(data)


def test_brackets_in_texts_are_no_nesting():
    text = '[{"' * 1000 + "\\"
    assert parse(raw(payload={"text": text})).payload.text == text


def test_control_and_bidirectional_characters_are_kept_as_data():
    text = "\x1b[31mred\x1b[0m \u202eevil\u2066 \x00 \r\n\x07"
    assert parse(raw(payload={"text": text})).payload.text == text


def test_the_largest_draft_is_taken():
    frame = len(raw(payload={"text": ""}))
    assert len(parse(raw(payload={"text": "a" * (MOST_BYTES - frame)})).payload.text) == MOST_BYTES - frame
    refusal(raw(payload={"text": "a" * (MOST_BYTES - frame + 1)}))


def test_the_id_of_a_draft_without_one_is_the_files():
    draft = parse(raw())
    one = id_for(draft, name="a.json", mtime_ns=1_800_000_000_123_456_789, raw=raw())
    assert one == id_for(draft, name="a.json", mtime_ns=1_800_000_000_123_456_789, raw=raw())
    others = {
        id_for(draft, name="b.json", mtime_ns=1_800_000_000_123_456_789, raw=raw()),
        id_for(draft, name="a.json", mtime_ns=1_800_000_000_223_456_789, raw=raw()),
        id_for(draft, name="a.json", mtime_ns=1_800_000_000_123_456_789, raw=raw(to="person")),
    }
    assert len(others) == 3
    assert one not in others
    assert id_for(parse(raw(id=ULID_A)), name="a.json", mtime_ns=-1, raw=b"") == ULID_A
    assert id_for(draft, name="\udcff", mtime_ns=-5, raw=raw()).startswith("0000000000")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
draft_like = st.fixed_dictionaries(
    {"kind": st.sampled_from(sorted(PAYLOADS)) | json_values, "payload": json_values},
    optional=dict.fromkeys(("to", "from", "id", "correlation", "signature", "x"), json_values),
)


@given(
    st.binary() | json_values.map(lambda v: json.dumps(v).encode()) | draft_like.map(lambda v: json.dumps(v).encode())
)
def test_whatever_the_bytes_only_a_draft_or_a_refusal_comes_out(data):
    try:
        draft = parse(data, trust="trusted", public=b"\0" * 32)
        outcome = draft.sender
    except DraftRefused as refused:
        outcome = refused.reason
    assert outcome


@given(st.sampled_from(sorted(VALID)), st.data())
def test_one_flipped_or_cut_byte_never_breaks_the_parser(kind, data):
    text = bytearray(raw(kind=kind, payload=VALID[kind], to="engine", correlation=ULID_A))
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(text), place]))
    try:
        outcome = parse(bytes(text[:end]), trust="trusted").kind
    except DraftRefused as refused:
        outcome = refused.reason
    assert outcome
