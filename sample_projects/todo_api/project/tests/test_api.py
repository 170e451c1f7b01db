from client import call

from todo.api import Api
from todo.store import Store


def test_what_was_added_is_listed():
    api = Api(Store())
    assert call(api, "POST", "/todos", {"title": "Buy milk"}) == (201, api.store.get(1).to_dict())
    status, todos = call(api, "GET", "/todos")
    assert status == 200
    assert [todo["title"] for todo in todos] == ["Buy milk"]


def test_one_is_ticked_off():
    api = Api(Store())
    api.store.add("Buy milk")
    assert call(api, "POST", "/todos/1/done")[0] == 200
    assert call(api, "GET", "/todos/1")[1]["done"] is True


def test_what_is_not_there_is_404():
    api = Api(Store())
    assert call(api, "GET", "/todos/1") == (404, {"error": "there is no todo 1"})
    assert call(api, "GET", "/elsewhere")[0] == 404
