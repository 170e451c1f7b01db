"""Every kind of fact goes through the record and comes back as it was."""

from __future__ import annotations

import typing

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core import events as e

OF_THE_CONTRACT = [
    "run_started",
    "task_added",
    "plan_revised",
    "stage_opened",
    "stage_assigned",
    "attempt_started",
    "attempt_claimed",
    "check_passed",
    "check_failed",
    "review_given",
    "merge_done",
    "merge_conflicted",
    "usage_booked",
    "budget_reached",
    "approval_asked",
    "approval_given",
    "message_accepted",
    "message_refused",
    "agent_paused",
    "agent_killed",
    "engine_started",
    "task_ended",
    "run_ended",
]
FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.integers(min_value=-(2**53), max_value=2**53)
PAYLOADS = st.dictionaries(st.text(), st.none() | st.booleans() | NUMBERS | st.text() | st.lists(st.text()))
st.register_type_strategy(float, FINITE)


def facts(kind: type[e.Fact]) -> st.SearchStrategy[e.Fact]:
    hints = typing.get_type_hints(kind)
    given_ = {name: PAYLOADS if name == "payload" else of(hint) for name, hint in hints.items() if name[0] != "_"}
    return st.builds(kind, **given_)


def of(hint: object) -> st.SearchStrategy[object]:
    """Values of a type, structs all the way down (`builds` would take their defaults)."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return st.lists(of(args[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), of(args[1]), max_size=2)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{name: of(field) for name, field in hints.items() if name[0] != "_"})
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is not None:
        return st.one_of(*map(of, args))
    return NUMBERS if hint is int else st.from_type(hint)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", e.KINDS, ids=e.KINDS.values())
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_it_comes_back_as_it_was(kind, data):
    event = data.draw(
        st.builds(
            e.Event, seq=NUMBERS, at=FINITE, kind=st.just(e.KINDS[kind]), data=facts(kind), cause=st.none() | NUMBERS
        )
    )
    assert e.decode(e.encode(event)) == event


def test_the_kinds_that_the_contract_names_exist():
    assert set(OF_THE_CONTRACT) <= set(e.KINDS.values())


def test_every_kind_is_past_tense_words_and_none_is_told_twice():
    kinds = list(e.KINDS.values())
    assert len(kinds) == len(set(kinds)) == len(typing.get_args(e.Data))
    assert all(kind.replace("_", "").isalpha() and kind.islower() for kind in kinds)


def test_an_unknown_kind_is_named():
    with pytest.raises(e.UnknownKind, match="pigs_flew"):
        e.decode(b'{"seq":1,"at":0,"kind":"pigs_flew","data":{}}')


def test_fields_of_a_later_version_are_passed_over():
    line = b'{"seq":1,"at":0.5,"kind":"notice_given","data":{"text":"hello","colour":"red"},"hash":"abc"}'
    assert e.decode(line) == e.Event(seq=1, at=0.5, kind="notice_given", data=e.NoticeGiven(text="hello"))


def test_defaults_are_not_written():
    line = e.encode(e.Event(seq=1, at=0.0, kind="stage_opened", data=e.StageOpened(stage="s", kind="work", round=1)))
    assert b"avoid" not in line
