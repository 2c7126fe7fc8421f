"""issue_refund and the books behind it."""
