"""The one record of the engine: written once, synced before anything rests on it, never rewritten."""
