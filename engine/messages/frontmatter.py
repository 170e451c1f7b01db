"""The head of a task file: `---` YAML or `+++` TOML between two such lines, or none at all.

It splits and reads; what the fields may be is the plan's schema. YAML is read without its traps: no tags, no aliases
(which can blow up), no key given twice, keys that are texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Protocol

import yaml

from engine.config import document
from engine.config.document import Document
from engine.config.errors import ConfigError
from engine.config.locate import Path

MOST_YAML: Final = 16 * 1024
"""Characters of a YAML head; the reader is slow, and a head is a few lines."""
MOST_DEPTH: Final = 8


class _Mark(Protocol):
    line: int


class Parts(NamedTuple):
    """A task file in two: its head, and the text after it."""

    head: Document
    body: str


def split(text: str, name: str) -> Parts:
    """Take a task file's text apart.

    Raises `ConfigError` at its line when the head is not closed or can not be read.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    fence = lines[0].rstrip()
    if fence not in ("---", "+++"):
        return Parts(Document(name=name, data={}), "\n".join(lines))
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == fence), None)
    if end is None:
        raise ConfigError("the head is not closed", file=name, line=1, way_out=f"end it with a line {fence}")
    head = "\n".join(["", *lines[1:end], ""])  # an empty line in place of the fence keeps the numbers right
    read = document.parse(head, name=name, fmt="toml") if fence == "+++" else _yaml(head, name)
    return Parts(read, "\n".join(lines[end + 1 :]))


def _yaml(text: str, name: str) -> Document:
    if len(text) > MOST_YAML:
        raise ConfigError(f"the head is longer than {MOST_YAML} characters", file=name, line=1)
    try:
        _guard(text, name)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        located = dict(_locate(node, (), name)) if node is not None else {}
        data: Any = loader.construct_document(node) if node is not None else {}
    except ConfigError:  # a ValueError too
        raise
    except yaml.MarkedYAMLError as error:
        raise _refused(error.problem or "cannot be read", error.problem_mark or error.context_mark, name) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"is not YAML: {error.reason}", file=name, line=line) from error
    except ValueError as error:  # a date or a number that is none
        raise ConfigError(f"is not YAML: {error}", file=name, line=1) from error
    if not isinstance(data, dict):
        raise ConfigError("the head must be fields, each on a line as `name: value`", file=name, line=2)
    return Document(name=name, data=data, find=lambda: located)


def _guard(text: str, name: str) -> None:
    """Refuse what could make reading expensive or surprising, before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refused("anchors and aliases are not read", event.start_mark, name)
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise _refused("tags are not read", event.start_mark, name)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEPTH:
            raise _refused("is nested too deeply", event.start_mark, name)


def _locate(node: yaml.Node, path: Path, name: str) -> Iterator[tuple[Path, int]]:
    """Every value below a node with its line; keys must be different texts."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), item.start_mark.line + 1
            yield from _locate(item, (*path, index), name)
    elif isinstance(node, yaml.MappingNode):
        known: set[str] = set()
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _refused("a field's name must be a text", key.start_mark, name)
            if key.value in known:
                raise _refused(f'"{key.value}" is given twice', key.start_mark, name)
            known.add(key.value)
            yield (*path, key.value), key.start_mark.line + 1
            yield from _locate(value, (*path, key.value), name)


def _refused(reason: str, mark: _Mark | None, name: str) -> ConfigError:
    return ConfigError(reason, file=name, line=mark.line + 1 if mark is not None else 1)
