"""The client protocol over MQTT: a private broker, who may do what on it, and the engine's mirror of itself there."""
