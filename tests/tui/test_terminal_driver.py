"""The terminal's driver: a bell that wakes who waits for input, and a terminal that hangs up."""

import os
import select
import threading

import pytest

from tui.terminal import Bell, Terminal


def rung(bell):
    return bool(select.select([bell], [], [], 0)[0])


def test_a_bell_can_be_waited_for_like_a_file_and_rung_again():
    bell = Bell()
    assert not rung(bell)
    for _ in range(2):
        bell.set()
        assert (bell.is_set(), rung(bell)) == (True, True)
        bell.clear()
        assert (bell.is_set(), rung(bell)) == (False, False)


class Waits(Terminal):
    """Only the input of it, from any file."""

    def __init__(self, fileno):
        self.fileno, self._debug, self.exit_event, self.came = fileno, False, Bell(), []

    def process_message(self, message):
        self.came.append(message.key)


@pytest.fixture
def typing():
    master, slave = os.openpty()
    yield master, Waits(slave)
    os.close(slave)


def started(driver):
    thread = threading.Thread(target=driver.run_input_thread)
    thread.start()
    return thread


def test_it_ends_when_it_is_told_to_though_nothing_is_typed(typing):
    master, driver = typing
    thread = started(driver)
    driver.exit_event.set()
    thread.join(10)
    assert not thread.is_alive()
    os.close(master)


def test_it_ends_with_the_terminal(typing):
    master, driver = typing
    thread = started(driver)
    os.close(master)
    thread.join(10)
    assert not thread.is_alive()


def test_an_escape_that_stays_alone_is_a_key_and_so_is_what_follows_later(typing):
    master, driver = typing
    os.set_blocking(driver.fileno, True)
    import tty

    tty.setraw(driver.fileno)
    thread = started(driver)
    os.write(master, b"a\x1b")
    while driver.came != ["a", "escape"]:
        assert thread.is_alive()
    os.write(master, b"b")
    while driver.came != ["a", "escape", "b"]:
        assert thread.is_alive()
    driver.exit_event.set()
    thread.join(10)
    assert not thread.is_alive()
    os.close(master)
