"""Tools of any MCP server, each used only as an admin has approved it."""
