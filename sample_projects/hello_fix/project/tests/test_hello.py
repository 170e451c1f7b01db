import pytest

from hello import greeting, part_of_day


@pytest.mark.parametrize(("hour", "part"), [(0, "morning"), (11, "morning"), (17, "afternoon"), (18, "evening")])
def test_the_hour_says_the_part_of_the_day(hour, part):
    assert part_of_day(hour) == part


def test_blanks_around_a_name_are_dropped():
    assert greeting(" Ada ", 9) == "Good morning, Ada!"


def test_an_hour_that_is_none_is_refused():
    with pytest.raises(ValueError, match="24"):
        part_of_day(24)
