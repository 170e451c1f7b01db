"""Makes decisions durable, then carries them out. It drives the hands; it decides nothing."""
