"""Domain values → Slack's payloads; pure."""
