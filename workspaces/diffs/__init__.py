"""What changed: git's diffs as files, hunks and lines, and a name for a change that survives a moved base."""
