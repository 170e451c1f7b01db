"""Greets somebody by the hour of the day."""


def part_of_day(hour: int) -> str:
    """`hour` is 0 to 23: before noon it is morning, from 18:00 on evening."""
    if not 0 <= hour <= 23:
        raise ValueError(f"an hour is 0 to 23, not {hour}")
    if hour <= 12:
        return "morning"
    if hour < 18:
        return "afternoon"
    return "evening"


def greeting(name: str, hour: int) -> str:
    """A greeting with the name as it was given, without blanks around it."""
    return f"Good {part_of_day(hour)}, {name.strip()}!"
