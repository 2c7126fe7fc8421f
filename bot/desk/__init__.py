"""What happens around a run: turns, escalations, decisions, take-over and hand-back, budgets."""
