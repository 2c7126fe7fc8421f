"""Deskhand: a customer-support agent that lives in Slack."""
