"""Waits for what other processes import.

PostgreSQL calls whoever listens, and is looked at twice a minute, in case a pooler swallows the call; SQLite is looked
at every two seconds. Either only shortens the wait: every search looks at the revision for itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.base import ToolUnavailableError
from tools.knowledge_base.revisions import CHANNEL

EVERY_SECONDS = 2.0
LISTENING_SECONDS = 30.0
"""Between two looks where a call is expected."""
_LOST = (SQLAlchemyError, psycopg.Error, OSError)


async def whenever_changed(
    engine: AsyncEngine, look: Callable[[], Awaitable[object]], *, every: float = EVERY_SECONDS
) -> None:
    """Call `look` at once, and then whenever something may have changed, until the connection is lost.

    `every`: seconds between two looks at a database that does not call. Raises ToolUnavailableError when the connection
    is lost; `look` may raise it, too.
    """
    if engine.dialect.name != "postgresql":
        while True:
            await look()
            await asyncio.sleep(every)
    try:
        async with engine.connect() as connection:
            await _listen(connection, look)
    except _LOST as error:
        raise ToolUnavailableError(f"database: {type(error).__name__}") from error


async def _listen(connection: AsyncConnection, look: Callable[[], Awaitable[object]]) -> None:
    await connection.execution_options(isolation_level="AUTOCOMMIT")
    driver: Any = (await connection.get_raw_connection()).driver_connection
    await connection.run_sync(lambda plain: plain.detach())  # it is no longer one of the pool's few
    try:
        await driver.execute(f"LISTEN {CHANNEL}")
        while not driver.closed:
            await look()
            async for _ in driver.notifies(timeout=LISTENING_SECONDS, stop_after=1):
                pass
    finally:
        await driver.close()
        await connection.invalidate()  # or what is closed would be rolled back, with an error in the log
    raise ToolUnavailableError("database: the connection was lost")
