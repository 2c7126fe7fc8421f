"""Tools of MCP servers for `deskhand tools`: those an admin approved, as a running bot would offer them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bot.cli.database import check_database
from bot.cli.tools_bench import connectors_of
from bot.config import Settings
from bot.ports.clock import system_clock
from bot.store.engine import create_engine
from bot.store.migrate import migrate
from bot.workspaces.outside_tools import OutsideTools
from tools.base import AnyTool
from tools.database import create_tables
from tools.guards import Guards


@asynccontextmanager
async def outside_tools(
    settings: Settings, guards: Guards, *, connect: bool = True
) -> AsyncIterator[Mapping[str, AnyTool]]:
    """By name; a call waits for its server to be connected. Empty where no server is set up."""
    servers = connectors_of(settings).mcp
    if not servers:
        yield {}
        return
    await check_database(settings.database_url)
    engine = create_engine(settings.database_url)
    outside = OutsideTools(servers, engine, system_clock)
    try:
        await migrate(engine)
        await create_tables(engine)
        await (outside.start(guards, None) if connect else outside.load(guards))
        yield outside.tools
    finally:
        await outside.close()
        await engine.dispose()
