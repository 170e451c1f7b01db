"""What each command does, one file a family. They load what they need when they are called, as start-up is budgeted."""
