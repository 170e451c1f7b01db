"""JSON Schemas of every file and message, taken from the models that read them.

They describe form. What a schema can not say (a cycle, an unknown dependency, who may send what) is checked besides.
"""

from __future__ import annotations

import copy
from typing import Any

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAMES = ("plan", "task", "config", "user-config", "result", "draft", "message", "event")


def schemas() -> dict[str, Schema]:
    """Every schema by its name, in the order of `NAMES`."""
    return {name: schema(name) for name in NAMES}


def schema(name: str) -> Schema:
    """One schema.

    Raises `KeyError` for a name that is not in `NAMES`.
    """
    makers = {
        "plan": _plan,
        "task": _task,
        "config": _config,
        "user-config": _user_config,
        "result": _result,
        "draft": _draft,
        "message": _message,
        "event": _event,
    }
    return {"$schema": DIALECT, "title": name, **makers[name]()}


def _plan() -> Schema:
    from engine.config.plan import Plan  # noqa: PLC0415  each schema loads only what it describes

    return _titled(Plan.model_json_schema(), "plan")


def _task() -> Schema:
    """The head of a task file: nothing is required, since the file's name is the id and its text the prompt."""
    from engine.config.plan import PlanTask  # noqa: PLC0415

    made = PlanTask.model_json_schema()
    del made["required"]
    return _titled(made, "task")


def _config() -> Schema:
    from engine.config.settings import ProjectFile  # noqa: PLC0415

    return _titled(ProjectFile.model_json_schema(), "config")


def _user_config() -> Schema:
    """Nothing is required of the user's file: what it leaves out may stand in the project's."""
    from engine.config.settings import Settings  # noqa: PLC0415

    made = copy.deepcopy(Settings.model_json_schema())
    for part in (made, *made["$defs"].values()):
        part.pop("required", None)
    return _titled(made, "user-config")


def _result() -> Schema:
    from engine.config.plan import Plan  # noqa: PLC0415
    from engine.messages.result import Result  # noqa: PLC0415

    made = Result.model_json_schema()
    plan = Plan.model_json_schema()
    made.setdefault("$defs", {}).update(plan.pop("$defs"))
    made["$defs"]["Plan"] = plan
    made["properties"]["plan"] = {"anyOf": [{"$ref": "#/$defs/Plan"}, {"type": "null"}], "default": None}
    return _titled(made, "result")


def _draft() -> Schema:
    from engine.messages.drafts import DraftFields  # noqa: PLC0415

    return _titled(_by_kind(DraftFields.model_json_schema()), "draft")


def _message() -> Schema:
    import msgspec  # noqa: PLC0415

    from engine.messages.envelope import Message  # noqa: PLC0415

    (made,), defs = msgspec.json.schema_components([Message], ref_template="#/$defs/{name}")
    return _titled(_by_kind({**defs.pop(made["$ref"].rsplit("/", 1)[1]), "$defs": defs}), "message")


def _event() -> Schema:
    import msgspec  # noqa: PLC0415

    from engine.core.events import KINDS, Event  # noqa: PLC0415

    facts, defs = msgspec.json.schema_components(KINDS, ref_template="#/$defs/{name}")
    fields = {field.encode_name: field for field in msgspec.structs.fields(Event) if field.name != "data"}
    (*types,), more = msgspec.json.schema_components([field.type for field in fields.values()])
    properties = dict(zip(fields, types, strict=True))
    properties["kind"] = {"enum": list(KINDS.values())}
    return {
        "type": "object",
        "properties": {**properties, "data": {"type": "object"}},
        "required": [*(name for name, field in fields.items() if field.required), "data"],
        "allOf": [_when(kind, {"data": fact}) for kind, fact in zip(KINDS.values(), facts, strict=True)],
        "$defs": {**defs, **more},
    }


def _by_kind(envelope: Schema) -> Schema:
    """Say of `payload` that it is what its `kind` asks for."""
    from engine.messages.payloads import PAYLOADS  # noqa: PLC0415

    defs = envelope.setdefault("$defs", {})
    for model in PAYLOADS.values():
        made = model.model_json_schema()
        defs.update(made.pop("$defs", {}))
        defs[model.__name__] = made
    envelope["allOf"] = [
        _when(kind, {"payload": {"$ref": f"#/$defs/{model.__name__}"}}) for kind, model in PAYLOADS.items()
    ]
    return envelope


def _when(kind: str, properties: Schema) -> Schema:
    return {
        "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
        "then": {"properties": properties},
    }


def _titled(made: Schema, name: str) -> Schema:
    return {**made, "title": name}
