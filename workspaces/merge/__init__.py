"""Bringing a verified change onto the target: probe, commit, advance; never backwards, never over a person's edits."""
