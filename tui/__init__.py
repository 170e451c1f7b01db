"""Shows and asks: the command line and, on top of it, the screen. It holds no truth of its own."""
