"""The board on which all processes share the state of their circuit breakers."""

from collections.abc import Mapping
from functools import partial

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.dialect import insert_new
from bot.store.engine import Writer, create_engine, writing
from bot.store.tables import breakers
from tools.noticeboard import Mark


class SqlBoard:
    """tools.noticeboard.Board on a table with one row per breaker that was ever open."""

    def __init__(self, engine: AsyncEngine, writing: Writer) -> None:
        self._engine = engine
        self._writing = writing

    async def marks(self) -> Mapping[str, Mark]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(sa.select(breakers))
            return {row.name: Mark(row.term, row.until, row.reason) for row in rows}

    async def change(self, name: str, mark: Mark) -> bool:
        values = {"term": mark.term, "until": mark.until, "reason": mark.reason}
        before = sa.and_(breakers.c.name == name, breakers.c.term == mark.term - 1)
        async with self._writing() as connection:
            if mark.term == 1:
                return await insert_new(connection, breakers, {"name": name, **values})
            result = await connection.execute(sa.update(breakers).where(before).values(values))
            return result.rowcount == 1

    async def now(self) -> float | None:
        if self._engine.dialect.name == "sqlite":
            return None
        async with self._engine.connect() as connection:
            epoch = sa.extract("epoch", sa.func.clock_timestamp())
            return float((await connection.execute(sa.select(sa.cast(epoch, sa.Double)))).scalar_one())

    async def make_due(self) -> None:
        """Let every open breaker be tried with the next call; whoever restarts a bot has perhaps mended something."""
        async with self._writing() as connection:
            again = {"until": 0.0, "term": breakers.c.term + 1}
            await connection.execute(sa.update(breakers).where(breakers.c.until.is_not(None)).values(again))


async def open_breakers(database_url: str, now: float) -> dict[str, str]:
    """Class of the failure by name of each breaker that is open, for people who ask from the command line."""
    engine = create_engine(database_url)
    try:
        marks = await SqlBoard(engine, partial(writing, engine)).marks()
    finally:
        await engine.dispose()
    return {name: mark.reason for name, mark in marks.items() if mark.until is not None and mark.until > now}
