"""The JSON interface, as a WSGI application."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from todo.store import Store, UnknownTodo

Answer = tuple[str, Any]


class Api:
    """Answers requests from one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request, as WSGI has it."""
        status, document = self.answer(environ)
        body = json.dumps(document).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def answer(self, environ: dict[str, Any]) -> Answer:
        """The status line and the document of the answer."""
        parts = [part for part in environ["PATH_INFO"].split("/") if part]
        try:
            match environ["REQUEST_METHOD"], parts:
                case "GET", ["todos"]:
                    return self.list_todos()
                case "POST", ["todos"]:
                    return self.add_todo(read_body(environ))
                case "GET", ["todos", number] if number.isdigit():
                    return "200 OK", self.store.get(int(number)).to_dict()
                case "POST", ["todos", number, "done"] if number.isdigit():
                    return "200 OK", self.store.complete(int(number)).to_dict()
        except UnknownTodo as error:
            return "404 Not Found", {"error": str(error)}
        return "404 Not Found", {"error": "no such page"}

    def list_todos(self) -> Answer:
        """Every todo, oldest first."""
        return "200 OK", [todo.to_dict() for todo in self.store.all()]

    def add_todo(self, payload: dict[str, Any]) -> Answer:
        """Add one from the body of a request."""
        return "201 Created", self.store.add(payload["title"]).to_dict()


def read_body(environ: dict[str, Any]) -> dict[str, Any]:
    """The JSON object in the body."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    payload: dict[str, Any] = json.loads(environ["wsgi.input"].read(length))
    return payload
