"""What a filter lets through: rows in whose words every word of the filter occurs, large or small."""

from __future__ import annotations


def matches(wanted: str, *texts: str) -> bool:
    """Does every word of the filter occur somewhere in these texts?"""
    if not wanted:
        return True
    all_of_it = " ".join(texts).lower()
    return all(word in all_of_it for word in wanted.lower().split())
