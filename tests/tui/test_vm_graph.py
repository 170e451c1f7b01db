"""The plan's lanes: every task once, after what it waits for, and lanes that say what is so."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui.viewmodel.graph import below, draw, longest, order, reduced


@st.composite
def plans(draw_):
    """A plan of up to forty tasks: each may wait for some of those before it, in a shuffled order of adding."""
    count = draw_(st.integers(0, 40))
    names = [f"t{number}" for number in range(count)]
    after = {
        name: tuple(draw_(st.lists(st.sampled_from(names[:number]), max_size=4, unique=True))) if number else ()
        for number, name in enumerate(names)
    }
    shuffled = draw_(st.permutations(names))
    return {name: after[name] for name in shuffled}


def picture(after, lanes=12):
    rows = draw(after, lanes)
    size = max((len(row.cells) for row in rows), default=0)
    drawn = []
    for row in rows:
        gutter = "".join(cell.sign for cell in row.cells)
        fill = "─" if row.cells and row.cells[-1].source == row.task else " "
        drawn.append(f"{gutter}{fill * (size - len(gutter))}{row.task}")
    return drawn


@given(plans())
def test_every_task_stands_once_and_after_all_it_waits_for(after):
    found = order(after)
    assert sorted(found) == sorted(after)
    place = {name: number for number, name in enumerate(found)}
    assert all(place[need] < place[name] for name, needs in after.items() for need in needs)


@given(plans(), st.integers(0, 5))
def test_a_plan_that_grows_moves_no_task_before_the_new_ones(after, more):
    names = list(after)
    grown = after | {f"new{number}": tuple(names[:number]) for number in range(more)}
    assert order(grown)[: len(after)] == order(after)


@given(plans(), st.integers(1, 12))
def test_lanes_say_what_is_so(after, lanes):
    """Follow the signs alone: who joins whom must be what the plan says, or be told as not drawn."""
    rows = draw(after, lanes)
    direct = reduced(after, [row.task for row in rows])
    at: dict[int, str] = {}
    for row in rows:
        assert len(row.cells) <= 2 * lanes
        joined = set()
        passing = dict(at)
        for number, cell in enumerate(row.cells[::2]):
            if cell.sign in "├┼":
                joined.add(at[number])
            elif cell.sign in "╰┴":
                joined.add(passing.pop(number))
            elif cell.sign in "╭┬":
                assert number not in at
                passing[number] = row.task
            elif cell.sign == "│":
                assert cell.source == at[number]
            else:
                assert number not in at
        assert joined | set(row.untold) == set(direct[row.task])
        assert not joined & set(row.untold)
        at = passing
    assert not at


@given(plans())
def test_with_room_for_all_everything_is_drawn(after):
    assert not any(row.untold for row in draw(after, 100))


@given(plans())
def test_what_goes_through_another_is_not_drawn_twice_and_nothing_is_lost(after):
    direct = reduced(after, order(after))
    assert below(direct) == below(after)
    for needs in direct.values():
        assert not any(other in below(after)[need] for need in needs for other in needs)


@given(plans())
def test_a_longest_chain_is_a_chain_and_none_is_longer(after):
    chain = [name for name in order(after) if name in longest(after)]
    assert all(first in after[second] for first, second in pairwise(chain))
    depth: dict[str, int] = {}
    for name in order(after):
        depth[name] = 1 + max((depth[need] for need in after[name]), default=0)
    assert len(chain) == max(depth.values(), default=0)


def test_a_chain():
    assert picture({"a": (), "b": ("a",), "c": ("b",)}) == ["╭───a", "╰─┬─b", "  ╰─c"]


def test_one_for_two_and_two_for_one():
    assert picture({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}) == ["╭─────a", "├─┬───b", "╰─│─┬─c", "  ╰─┴─d"]


def test_tasks_that_wait_for_nothing_have_no_lanes():
    assert picture({"a": (), "b": (), "c": ()}) == ["a", "b", "c"]


def test_what_a_path_says_is_not_drawn():
    assert picture({"a": (), "b": ("a",), "c": ("a", "b")}) == picture({"a": (), "b": ("a",), "c": ("b",)})


def test_forty_tasks_wide_take_no_more_lanes_than_given_and_say_what_is_not_drawn():
    wide = {"start": ()} | {f"w{n}": ("start",) for n in range(38)} | {"end": tuple(f"w{n}" for n in range(38))}
    rows = draw(wide, 6)
    assert max(len(row.cells) for row in rows) == 12
    assert len(rows[-1].untold) == 38 - 5
    assert rows[-1].task == "end"


def test_a_circle_which_no_valid_plan_has_is_still_shown():
    assert order({"a": ("b",), "b": ("a",), "c": ()}) == ["c", "a", "b"]
    assert [row.task for row in draw({"a": ("b",), "b": ("a",)}, 4)] == ["a", "b"]


def test_what_a_task_waits_for_and_nobody_knows_counts_as_done():
    assert order({"a": ("gone",)}) == ["a"]
