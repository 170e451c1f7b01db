"""What a basket costs, in cents."""

Item = tuple[int, int]
"""The price of one, and how many."""


def total(items: list[Item]) -> int:
    """The sum over all items."""
    amount = sum(price * count for price, count in items)
    return amount
