"""Says which folders to look at, soon after something in them changed."""
