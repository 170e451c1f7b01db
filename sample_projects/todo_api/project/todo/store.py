"""Keeps things to do in memory."""

from __future__ import annotations

from dataclasses import replace

from todo.model import Todo


class UnknownTodo(LookupError):
    """No thing to do has this id."""

    def __init__(self, todo_id: int) -> None:
        super().__init__(f"there is no todo {todo_id}")


class Store:
    """Things to do by id, in the order they were added."""

    def __init__(self) -> None:
        self._todos: dict[int, Todo] = {}
        self._next = 1

    def add(self, title: str) -> Todo:
        """Add one; it is not done yet."""
        todo = Todo(id=self._next, title=title)
        self._todos[todo.id] = todo
        self._next += 1
        return todo

    def get(self, todo_id: int) -> Todo:
        """The one with this id; `UnknownTodo` when there is none."""
        if todo_id not in self._todos:
            raise UnknownTodo(todo_id)
        return self._todos[todo_id]

    def all(self) -> list[Todo]:
        """Every one, oldest first."""
        return list(self._todos.values())

    def complete(self, todo_id: int) -> Todo:
        """Tick it off; a second time changes nothing."""
        todo = replace(self.get(todo_id), done=True)
        self._todos[todo_id] = todo
        return todo
