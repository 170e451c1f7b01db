"""The subprocess layer: keepers, what they run, its output, and the proof that it is gone.

Import from the modules: `keeper.Keeper` for the engine, `last_resort` where no engine answers. Nothing is imported
here, because a keeper process imports this package at each start.
"""
