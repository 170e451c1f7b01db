"""Codex by `codex exec --json`."""
