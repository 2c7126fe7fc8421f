"""create_ticket and the desk behind it."""
