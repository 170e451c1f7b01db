"""What the dashboard shows, as plain Python: folded from events, asked for as lines. No screen is known here."""
