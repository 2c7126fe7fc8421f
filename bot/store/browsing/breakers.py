"""How the circuit breakers stand."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain.browsing import BreakerRow
from bot.store.engine import reading_at_length
from bot.store.tables import breakers


class SqlBreakerShelf:
    """ports.browsing.BreakerShelf."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def breakers(self) -> tuple[BreakerRow, ...]:
        async with reading_at_length(self._engine) as connection:
            found = await connection.execute(sa.select(breakers).order_by(breakers.c.name).limit(200))
            return tuple(BreakerRow(row.name, row.until, row.reason) for row in found)
