"""Calls that may have changed something are begun once.

MCP knows no idempotency keys. A run that was killed between a call and its record makes the call again when it goes on;
so each call of a tool that is not read-only is written down before it is made, and one that stands there already is not
made: nobody knows what became of it, and that is what the model is told.
"""

import hashlib
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.base import ToolContext
from tools.database import metadata, transact

KEPT_SECONDS = 40 * 86_400.0
"""No run is taken up again after so long."""

mcp_calls = sa.Table(
    "mcp_calls",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)


class CallBook:
    """The calls of one database."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock

    async def begin(self, context: ToolContext) -> bool:
        """Write the call down; False when it was begun before. ToolUnavailableError: the database does not answer."""
        key = hashlib.sha256(context.key.encode()).hexdigest()
        row = {"key": key, "conversation_id": context.conversation_id, "at": self._clock()}

        async def work(connection: AsyncConnection) -> bool:
            known = sa.select(sa.literal(1)).where(mcp_calls.c.key == key)
            if await connection.scalar(known):
                return False
            await connection.execute(sa.insert(mcp_calls), [row])
            return True

        try:
            return await transact(self._engine, work)
        except IntegrityError:  # another process was a moment faster
            return False

    async def forget(self) -> int:
        """Delete what is old; how many rows."""
        old = mcp_calls.c.at < self._clock() - KEPT_SECONDS

        async def work(connection: AsyncConnection) -> int:
            return (await connection.execute(sa.delete(mcp_calls).where(old))).rowcount

        return await transact(self._engine, work)
