"""Shared filesystem work: clones, watching, diffs, merging. It knows git, and no agents."""
