"""The aiohttp application: Slack endpoint and health."""
