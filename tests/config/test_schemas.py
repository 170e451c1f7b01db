"""JSON Schemas: there for every file and message, whole, and of the same fields as what reads them."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from engine.config import schema
from engine.config.plan import Plan, PlanTask
from engine.config.settings import ProjectFile, Settings
from engine.core.events import KINDS, Event
from engine.messages.drafts import DraftFields
from engine.messages.envelope import Message
from engine.messages.result import Result


def references(value):
    """Every `$ref` of a schema."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def fields(model) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("name", schema.NAMES)
def test_every_schema_is_plain_json_and_leads_nowhere_else(name):
    made = schema.schema(name)
    assert json.loads(json.dumps(made)).keys() == made.keys()
    assert made["title"] == name
    assert made["type"] == "object"
    assert {ref.removeprefix("#/$defs/") for ref in references(made)} <= made.get("$defs", {}).keys()


def test_there_is_one_for_each_name():
    assert tuple(schema.schemas()) == schema.NAMES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plan", fields(Plan)),
        ("task", fields(PlanTask)),
        ("config", fields(ProjectFile)),
        ("user-config", fields(Settings)),
        ("result", fields(Result)),
        ("draft", fields(DraftFields)),
        ("message", {field.encode_name for field in msgspec.structs.fields(Message)}),
        ("event", set(Event.__struct_fields__)),
    ],
)
def test_a_schema_has_the_fields_of_its_reader(name, expected):
    assert schema.schema(name)["properties"].keys() == expected


def test_what_is_required():
    assert schema.schema("plan")["$defs"]["PlanTask"]["required"] == ["id"]
    assert schema.schema("config")["required"] == ["project"]
    assert "required" not in schema.schema("user-config")
    assert "required" not in schema.schema("task")


def test_unknown_fields_are_refused_in_the_schema_too():
    for name in ("plan", "config", "draft", "message", "result"):
        assert schema.schema(name)["additionalProperties"] is False


def test_a_result_s_plan_is_the_plan():
    made = schema.schema("result")
    assert made["properties"]["plan"]["anyOf"][0] == {"$ref": "#/$defs/Plan"}
    assert made["$defs"]["PlanTask"]["properties"].keys() == fields(PlanTask)


def test_every_kind_of_event_says_what_its_data_is():
    made = schema.schema("event")
    by_kind = {rule["if"]["properties"]["kind"]["const"]: rule["then"] for rule in made["allOf"]}
    assert list(by_kind) == made["properties"]["kind"]["enum"] == list(KINDS.values())
    for fact, kind in KINDS.items():
        assert by_kind[kind]["properties"]["data"] == {"$ref": f"#/$defs/{fact.__name__}"}
        assert made["$defs"][fact.__name__]["properties"].keys() == set(fact.__struct_fields__)


def test_budgets_are_texts_with_a_default():
    limits = schema.schema("config")["$defs"]["LimitSettings"]["properties"]
    assert limits["budget"]["type"] == "string"
    assert limits["budget"]["default"] == "5usd"


def test_leave_is_asked_by_the_kinds_of_tools_there_are():
    ask = schema.schema("config")["$defs"]["Permissions"]["properties"]["ask"]
    ((pattern, levels),) = ask["patternProperties"].items()
    assert levels["enum"] == ["auto", "confirm", "review"]
    assert ask["additionalProperties"] is False
    for key in ("execute", "execute:git push*", "*", "edit:src/**"):
        assert re.search(pattern, key)
    for key in ("run", "execute:", "*:x", ""):
        assert not re.search(pattern, key)


def test_a_name_that_is_none():
    with pytest.raises(KeyError):
        schema.schema("nothing")
