"""How the doctor tries MCP servers: it connects, counts their tools, and leaves; all of them side by side."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from bot.config import SettingsError
from bot.doctor import Finding, Verdict
from bot.workspaces.outside_tools import check_extra
from tools.mcp.settings import McpServer

_SECONDS = 5.0
"""For a server that is asked over the network; one that is started here has as long as in the running bot."""
_REMEDY = "Check `command` and `args`, or `url` and `headers_env`, in the file; `deskhand mcp list` tries it again."


async def try_servers(servers: Sequence[McpServer]) -> AsyncIterator[Finding]:
    """One finding a server. An error is told by its class: its words may be the server's."""
    try:
        check_extra(servers)
    except SettingsError as error:
        yield Finding(Verdict.BAD, error.lines[0], "The bot does not start without it.")
        return
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_try(server)) for server in servers]
    for task in tasks:
        yield task.result()


async def _try(server: McpServer) -> Finding:
    from tools.mcp.looking import peek  # noqa: PLC0415 - needs the extra
    from tools.mcp.server import kind_of  # noqa: PLC0415 - likewise

    try:
        async with asyncio.timeout(_SECONDS if server.url else None):
            found = await peek(server)
    except TimeoutError:
        return Finding(Verdict.BAD, f"MCP server {server.name}: no answer in time.", _REMEDY)
    except Exception as error:  # noqa: BLE001 - whatever a server or its start comes up with
        return Finding(Verdict.BAD, f"MCP server {server.name}: not reached ({kind_of(error)}).", _REMEDY)
    return Finding(Verdict.GOOD, f"MCP server {server.name}: {len(found)} tools.")
