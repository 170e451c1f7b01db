"""The probes themselves: what they say of a terminal is so, and they leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.pty_probe import NotSeen, Probe, python
from support.tmux import Tmux, has_tmux

TINY = """
from textual.app import App
from textual.widgets import Static
class Tiny(App):
    def compose(self):
        yield Static("ready", id="said")
    def on_key(self, event):
        self.query_one("#said", Static).update(f"key {event.key}")
    def on_resize(self, event):
        self.query_one("#said", Static).update(f"size {event.size.width}x{event.size.height}")
    def on_click(self, event):
        self.query_one("#said", Static).update(f"click {event.screen_x},{event.screen_y}")
Tiny().run()
"""


def gone(pid: int) -> bool:
    """No such process, or only its exit status for whoever adopted it."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_cat_gives_back_what_is_typed_and_ends_at_its_end():
    with Probe(["cat"]) as cat:
        cat.press(*"ahoy", "enter")
        cat.wait(lambda probe: probe.lines[:2] == ["ahoy", "ahoy"])
        cat.press("ctrl+d")
        assert cat.returned() == 0
        assert cat.written == sum(count for _, count in cat.times) == len(cat.raw)


def test_what_never_comes_is_told_with_the_screen():
    with Probe(["cat"]) as cat:
        cat.press(*"here")
        with pytest.raises(NotSeen, match=r"(?s)nowhere.*here"):
            cat.wait("nowhere", 0.2)
    assert gone(cat.pid)


def test_a_program_that_ignores_the_hangup_is_killed(monkeypatch):
    monkeypatch.setattr("support.pty_probe._GONE", 0.2)
    program = (
        "import signal,time; signal.signal(signal.SIGHUP, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    with Probe(python(program)) as deaf:
        deaf.wait("deaf")
    assert gone(deaf.pid)


def test_a_program_that_cannot_be_started_leaves_no_open_file():
    before = open_files()
    with pytest.raises(FileNotFoundError):
        Probe(["/nonexistent/program"])
    assert open_files() == before


def test_a_textual_app_answers_keys_the_mouse_and_a_new_size():
    with Probe(python(TINY), columns=100, rows=30) as app:
        app.wait("size 100x30")
        app.settle()
        assert 0 < app.latency("j") < 5
        app.wait("key j")
        app.click(4, 0)
        app.wait("click 4,0")
        app.resize(64, 20)
        app.wait("size 64x20")
        assert app.cpu > 0.05
        assert 10e6 < app.resident < 200e6
        app.settle(0.3)
        assert app.cost(0.3).written == 0
        app.press("ctrl+q")
        assert app.returned() == 0


@pytest.mark.skipif(not has_tmux(), reason="tmux is not installed")
def test_tmux_shows_the_app_and_ends_with_the_test():
    with Tmux(python(TINY), columns=90, rows=20) as tmux:
        tmux.wait("size 90x20")
        tmux.send("x")
        tmux.wait("key x")
        tmux.resize(70, 18)
        tmux.wait("size 70x18")
        server = int(tmux.run("display-message", "-p", "#{pid}"))
        tmux.send("C-q")
        assert tmux.wait_end() == 0
    assert gone(server)
