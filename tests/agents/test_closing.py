"""Tools, told in pieces."""

from engine.agents.base import Tool
from engine.agents.closing import Tools


def test_an_update_completes_what_is_known_and_replaces_nothing_by_nothing():
    tools = Tools()
    tools.put(Tool(id="1", title="make", kind="execute", input="make -j", paths=("a",)))
    now = tools.put(Tool(id="1", status="failed", output="no rule", exit=2))
    assert now == Tool(
        id="1", title="make", kind="execute", status="failed", paths=("a",), input="make -j", output="no rule", exit=2
    )
    assert tools.get("1") == now
    assert tools.get("2") is None


def test_a_tool_may_be_asked_for_before_it_is_told_of():
    tools = Tools()
    tools.put(Tool(id="1", status="pending"))
    assert tools.put(Tool(id="1", title="read a", kind="read")) == Tool(id="1", title="read a", kind="read")


def test_what_has_ended_stays_so():
    tools = Tools()
    tools.put(Tool(id="1", status="done", exit=0))
    assert tools.put(Tool(id="1", status="running")).status == "done"
    assert tools.put(Tool(id="1", status="failed")).exit == 0


def test_at_the_end_only_what_is_open_is_closed_and_only_once():
    tools = Tools()
    tools.put(Tool(id="1", title="a", status="done"))
    tools.put(Tool(id="2", title="b"))
    tools.put(Tool(id="3", title="c", status="pending"))
    assert [(tool.id, tool.title, tool.status) for tool in tools.close()] == [
        ("2", "b", "failed"),
        ("3", "c", "failed"),
    ]
    assert list(tools.close()) == []
