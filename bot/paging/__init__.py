"""Alert services: how they are told that nobody answers."""
