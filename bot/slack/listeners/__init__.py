"""What happens when Slack calls: store, answer at once, or nothing."""
