"""The mind: deterministic, no I/O, no clock, no randomness. Everything else is its hands."""
