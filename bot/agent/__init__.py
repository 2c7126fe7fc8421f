"""The agent: the loop, what the model sees, what it may spend, how sure it is."""
