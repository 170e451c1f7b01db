"""Agents: one adapter a file over one protocol. An adapter starts a program for one assignment and reads its result."""
