"""The terminal without a dashboard: events and states become lines of text. Nothing here asks the engine anything."""
