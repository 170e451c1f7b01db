"""What an attempt left to look at later: its diff, outputs of checks, reviews, evidence."""
