"""Strict models, and their complaints in the words of the file.

Nothing is coerced and nothing unknown is passed over: a misspelt key that is ignored is a setting that silently does
not hold.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from engine.config.document import Document
from engine.config.errors import ConfigError, together
from engine.config.locate import Path


def one_word(text: str) -> str:
    """The text, which is one word; raises ValueError for any other."""
    if len(text.split()) != 1 or text.strip() != text:
        raise ValueError(f"must be one word without spaces, not {_shown(text)}")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


Line = Annotated[str, StringConstraints(min_length=1), AfterValidator(_not_blank)]
"""A text that is not blank."""

Lines = Annotated[tuple[Line, ...], Field(strict=False)]
"""A list of them; strict about the texts, but a list of the file may become a tuple."""

Word = Annotated[str, StringConstraints(max_length=64), AfterValidator(one_word)]
"""A capability, a name of something: no spaces."""

Words = Annotated[tuple[Word, ...], Field(strict=False)]


class Spot(NamedTuple):
    """Where a value stands, in the words of its file, and what to write there if there is a word for it."""

    place: str
    field: str
    way_out: str = ""


Placed = Callable[[Path], Spot]

LONGEST_SHOWN = 60

M = TypeVar("M", bound=BaseModel)

_BARE = {
    "missing": "is required",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
_EXPECTED = {
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "string_pattern_mismatch": "must match {pattern}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_long": "must have at most {max_length} characters",
}


class Strict(BaseModel):
    """Base of everything read from outside."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def validate(model: type[M], data: dict[str, Any], sources: tuple[Document, ...], placed: Placed) -> M:
    """Validate `data`, which `sources` say; the first one that gives most of a value's path is blamed for it.

    Raises `ConfigError` with every complaint.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        complaints = error.errors(include_url=False)
        paths = {details["loc"][:depth] for details in complaints for depth in range(len(details["loc"]))}
        told = [details for details in complaints if details["loc"] not in paths]  # the inner one says it better
        raise together([_worded(model, details, sources, placed) for details in told]) from error


def _worded(
    model: type[BaseModel], details: ErrorDetails, sources: tuple[Document, ...], placed: Placed
) -> ConfigError:
    path = details["loc"]
    source = max(sources, key=lambda document: document.depth(path))
    spot = placed(path)
    return ConfigError(
        _reason(model, details),
        file=source.name,
        line=source.line(path),
        place=spot.place,
        field=spot.field,
        way_out=spot.way_out,
    )


def _reason(model: type[BaseModel], details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown{_did_you_mean(model, details['loc'])}"
    if kind == "literal_error":
        expected = context["expected"].replace("'", '"')
        return f"must be {expected}, not {_shown(details['input'])}"
    if kind in {"value_error", "assertion_error"}:
        return str(context["error"])
    if kind in _BARE:
        return _BARE[kind]
    if kind in _EXPECTED:
        return f"{_EXPECTED[kind].format(**context)}, not {_shown(details['input'])}"
    return details["msg"][:1].lower() + details["msg"][1:]


def _shown(value: object) -> str:
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


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
