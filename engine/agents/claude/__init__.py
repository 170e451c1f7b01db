"""Claude Code by its own stream of JSON, both ways."""
