import pytest

from todo.store import Store, UnknownTodo


def test_ids_count_from_one():
    store = Store()
    assert [store.add("a").id, store.add("b").id] == [1, 2]


def test_what_was_completed_is_done_and_stays_in_place():
    store = Store()
    store.add("a")
    store.add("b")
    store.complete(1)
    assert [(todo.title, todo.done) for todo in store.all()] == [("a", True), ("b", False)]


def test_an_unknown_id_is_named():
    with pytest.raises(UnknownTodo, match="no todo 7"):
        Store().get(7)
