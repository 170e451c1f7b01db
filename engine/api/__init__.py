"""The one client protocol: submit, subscribe, query. What the screen and the command line see of the engine."""
