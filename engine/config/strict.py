"""Strict models, and their complaints in the words of the file.

Nothing is coerced and nothing unknown is passed over: a misspelt key that is ignored is a setting that silently does
not hold.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from engine.config.document import Document
from engine.config.errors import ConfigError, together
from engine.config.locate import Path


def _one_word(text: str) -> str:
    if len(text.split()) != 1 or text.strip() != text:
        raise ValueError(f"must be one word without spaces, not {_shown(text)}")
    return text


Line = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
"""A text that is not blank."""

Lines = Annotated[tuple[Line, ...], Field(strict=False)]
"""A list of them; strict about the texts, but a list of the file may become a tuple."""

Word = Annotated[str, StringConstraints(max_length=64), AfterValidator(_one_word)]
"""A capability, a name of something: no spaces."""

Words = Annotated[tuple[Word, ...], Field(strict=False)]

Placed = Callable[[Path], tuple[str, str]]
"""From the path of a value to the words for its place and its field."""

LONGEST_SHOWN = 60

M = TypeVar("M", bound=BaseModel)

_EXPECTED = {
    "missing": "is required",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "string_pattern_mismatch": "must not be blank",
    "string_too_short": "must not be empty",
}


class Strict(BaseModel):
    """Base of everything read from outside."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def validate(model: type[M], data: dict[str, Any], sources: tuple[Document, ...], placed: Placed) -> M:
    """Validate `data`, which `sources` say (the first one that has a value is blamed for it).

    Raises `ConfigError` with every complaint.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        complaints = error.errors(include_url=False, include_input=True)
        raise together([_worded(model, details, sources, placed) for details in complaints]) from error


def _worded(
    model: type[BaseModel], details: ErrorDetails, sources: tuple[Document, ...], placed: Placed
) -> ConfigError:
    path = details["loc"]
    source = next((document for document in sources if document.has(path)), sources[0])
    place, field = placed(path)
    return ConfigError(_reason(model, details), file=source.name, line=source.line(path), place=place, field=field)


def _reason(model: type[BaseModel], details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown{_did_you_mean(model, details['loc'])}"
    if kind == "literal_error":
        expected = context["expected"].replace("'", '"')
        return f"must be {expected}, not {_shown(details['input'])}"
    if kind in {"value_error", "assertion_error"}:
        return str(context["error"])
    if kind in _EXPECTED:
        given = "" if kind == "missing" or details["input"] in ("", None) else f", not {_shown(details['input'])}"
        return _EXPECTED[kind] + given
    return details["msg"][:1].lower() + details["msg"][1:]


def _shown(value: Any) -> str:
    """A value as it would be written, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _did_you_mean(model: type[BaseModel], path: Path) -> str:
    known = _model_at(model, path).model_fields
    names = [field.alias or name for name, field in known.items()]
    near = difflib.get_close_matches(str(path[-1]), names, n=1)
    return f' (did you mean "{near[0]}"?)' if near else f" (known: {', '.join(sorted(names))})"


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """The model whose fields the last step of a path is compared with; keys and indices stay in their model."""
    for step in path[:-1]:
        field = model.model_fields.get(str(step))
        inner = _models(field.annotation) if field else []
        model = inner[0] if inner else model
    return model


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
