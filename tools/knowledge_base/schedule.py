"""Whose turn it is: work that one process of several does at its time, and nobody else meanwhile."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.database import fetch, transact
from tools.knowledge_base.tables import sources

CLAIM_SECONDS = 180.0
"""How long a claim holds unless it is renewed; when its process dies, the work is due again after that."""
_LONGEST_TOLD = 2000
"""Characters."""


class Schedule:
    """Due times of named work, in the database, so that they outlast a restart."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock

    async def claim(self, name: str) -> bool:
        """Whether the work is due and nobody else is at it; then it is ours until `done`, if we `renew` it."""
        now = self._clock()

        async def work(connection: AsyncConnection) -> bool:
            insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
            first = {"name": name, "due_at": 0.0, "claimed_until": 0.0, "told": ""}
            await connection.execute(insert(sources).values(first).on_conflict_do_nothing())
            free = sa.and_(sources.c.name == name, sources.c.due_at <= now, sources.c.claimed_until <= now)
            claim = sa.update(sources).where(free).values(claimed_until=now + CLAIM_SECONDS)
            return (await connection.execute(claim)).rowcount == 1

        return await transact(self._engine, work)

    async def renew(self, name: str) -> None:
        """Go on with claimed work."""
        mine = sa.update(sources).where(sources.c.name == name, sources.c.claimed_until > 0)
        values = {"claimed_until": self._clock() + CLAIM_SECONDS}

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(mine.values(values))

        await transact(self._engine, work)

    async def done(self, name: str, *, again_in: float, told: str) -> None:
        """Give the claim back; due again after so many seconds."""
        values = {"due_at": self._clock() + again_in, "claimed_until": 0.0, "told": told[:_LONGEST_TOLD]}

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(sa.update(sources).where(sources.c.name == name).values(values))

        await transact(self._engine, work)

    async def told(self) -> dict[str, str]:
        """How the last turn of each ended."""
        rows = await fetch(self._engine, sa.select(sources.c.name, sources.c.told))
        return {row.name: row.told for row in rows if row.told}
