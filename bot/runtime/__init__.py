"""Durable execution: dispatch of causes, outbox delivery."""
