"""A task that a person drops into `tasks/`: Markdown, with the plan's fields as front matter.

Any Markdown file is a task: its name is the id, its text the prompt. The front matter (between two `---` lines, YAML)
says the rest; it is read without tags, anchors or dates, because it is a list of plain fields and nothing more.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any

import yaml
from pydantic import Field

from engine.config.document import Document
from engine.config.errors import ConfigError
from engine.config.locate import Lines as LineOf
from engine.config.locate import Path as Place
from engine.config.plan import PlanTask
from engine.config.strict import Spot, validate
from engine.core import plans
from engine.core.values import TaskSpec

LONGEST_HEAD = 64 * 1024
_FENCE = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*\r?$", re.MULTILINE)


class FrontMatter(PlanTask):
    """The fields of a plan's task; the file's name gives the id and the text below gives the prompt."""

    id: Annotated[str, Field(default="", description="the file's name without .md, if it is given at all")]


def parse_task_file(text: str, *, name: str) -> TaskSpec:
    """Read a task file; `name` is its file name, such as `parse.md`.

    The title is the front matter's, else the first heading's, else the id. Dependencies are not looked up here.
    Raises `ConfigError` with every complaint.
    """
    head, body = _split(text.removeprefix("\ufeff"), name)
    source = _front_matter(head, name)
    stem = PurePath(name).stem
    fields = validate(FrontMatter, source.data, (source,), _placed)
    _agree(fields, body, stem, source)
    heading = _HEADING.search(body)
    title = fields.title or (heading[1] if heading else "")
    task = fields.model_copy(update={"id": stem, "title": title, "prompt": fields.prompt or body.strip()})
    spec = task.to_spec()
    for problem in plans.problems([spec], set(spec.after) - {stem}):
        line = source.line((problem.field,))
        raise ConfigError(problem.text, file=name, line=line, field=problem.field, way_out=problem.way_out)
    return spec


def _agree(fields: FrontMatter, body: str, stem: str, source: Document) -> None:
    if fields.id and fields.id != stem:
        reason = f'"{fields.id}" is not the file\'s name, "{stem}"'
        way_out = "leave it out, or rename the file"
        raise ConfigError(reason, file=source.name, line=source.line(("id",)), field="id", way_out=way_out)
    if fields.prompt.strip() and body.strip():
        reason = "is given twice, here and as the text below"
        raise ConfigError(reason, file=source.name, line=source.line(("prompt",)), field="prompt")
    if not (fields.prompt.strip() or body.strip()):
        raise ConfigError("says nothing to do", file=source.name, way_out="write the prompt below the front matter")


def _split(text: str, name: str) -> tuple[str, str]:
    """The front matter, which begins on the first line, and the text below."""
    opening = _FENCE.match(text)
    if opening is None:
        return "", text
    closing = _FENCE.search(text, opening.end())
    if closing is None:
        raise ConfigError('has front matter without an end; close it with a line "---"', file=name, line=1)
    head = text[opening.end() : closing.start()]
    if len(head) > LONGEST_HEAD:
        raise ConfigError(f"has front matter longer than {LONGEST_HEAD // 1024} KB", file=name, line=1)
    return head, text[closing.end() :]


def _front_matter(head: str, name: str) -> Document:
    try:
        return _read(head, name)
    except ConfigError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        line = 1 + mark.line if mark else 1
        raise ConfigError(f"has front matter that is not YAML: {reason}", file=name, line=line) from error
    except RecursionError:
        raise ConfigError("is nested too deeply", file=name, line=1) from None
    except ValueError as error:  # a number longer than Python converts
        raise ConfigError(f"has front matter that cannot be read: {error}", file=name, line=1) from error


def _read(head: str, name: str) -> Document:
    loader = _Plain(head)
    node = loader.get_single_node()
    if node is None:
        return Document(name=name, data={})
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("has front matter that is no list of fields", file=name, line=1)
    data, lines = _fields(loader, node, name)
    return Document(name=name, data=data, find=lambda: lines)


def _fields(loader: _Plain, node: yaml.MappingNode, name: str) -> tuple[dict[str, Any], LineOf]:
    data: dict[str, Any] = {}
    lines: LineOf = {}
    for key, value in node.value:
        word, line = str(key.value), 1 + key.start_mark.line
        if word in data:
            raise ConfigError("is given twice", file=name, line=line, field=word)
        data[word] = loader.construct_object(value, deep=True)
        lines[(word,)] = line
    return data, lines


class _Plain(yaml.SafeLoader):
    """Safe YAML without anchors (which can grow without bound), tags and dates."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise yaml.composer.ComposerError(None, None, "anchors and tags are not read here", event.start_mark)
        return super().compose_node(parent, index)


_Plain.yaml_implicit_resolvers = {
    letter: [(tag, regexp) for tag, regexp in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _placed(path: Place) -> Spot:
    return Spot("", next(step for step in path if isinstance(step, str)))
