"""Layers over a screen: each asks one thing or shows one thing, and esc steps out of it."""
