"""One look at a server from the command line: connect, keep what it says of its tools, leave."""

import asyncio

from tools.mcp.definition import Definition
from tools.mcp.pins import Pins
from tools.mcp.review import Look
from tools.mcp.server import PATIENT, kind_of
from tools.mcp.session import open_session
from tools.mcp.settings import McpServer


async def peek(server: McpServer) -> list[Definition]:
    """The tools a server has that may be used. Raises whatever stands in the way."""
    async with (
        asyncio.timeout(PATIENT.connect + PATIENT.listing),
        open_session(server, changed=_nothing, ended=_nothing) as session,
    ):
        return [one for one in await session.definitions() if server.permits(one.tool)]


async def look(server: McpServer, pins: Pins) -> Look:
    """Look at the server; what it says of its tools waits for a decision, where it is new."""
    try:
        found = await peek(server)
    except Exception as error:  # noqa: BLE001 - whatever a server or its start comes up with is told by its class
        return Look(server, (), kind_of(error))
    await pins.note(server.name, found)
    return Look(server, [one.digest for one in found], "")


def _nothing() -> None:
    """Nobody waits for changes here."""
