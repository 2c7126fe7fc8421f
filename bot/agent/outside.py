"""How the policy names tools of MCP servers.

Such a tool is called `server__tool`; which there are is known only when the servers are asked. A pattern that begins
with `mcp:` is about them alone: `mcp:*` are all of them, `mcp:files__read_*` some of one server.
"""

from fnmatch import fnmatchcase

MARK = "mcp:"
ALL = f"{MARK}*"
BETWEEN = "__"
"""Stands between server and tool."""


def is_meant(tool: str, pattern: str) -> bool:
    """Whether a pattern of the policy file is about the tool."""
    if not pattern.startswith(MARK):
        return fnmatchcase(tool, pattern)
    return BETWEEN in tool and fnmatchcase(tool, pattern.removeprefix(MARK))


def is_of_servers(pattern: str) -> bool:
    """Whether a pattern can be about tools of MCP servers only."""
    return pattern.startswith(MARK) or BETWEEN in pattern
