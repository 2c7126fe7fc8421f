"""A Slack workspace on this machine, spoken to only through Slack's own protocols."""
