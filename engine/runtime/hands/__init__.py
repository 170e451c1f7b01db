"""The hands: one file a kind of step. Each looks at the world first, does what is missing, and says what came of it."""
