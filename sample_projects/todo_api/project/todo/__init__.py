"""Things to do: a store, and a JSON interface over it."""
