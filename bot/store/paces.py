"""When each method of Slack may be called next: the generic cell rate algorithm, one row per key.

A row holds the theoretical arrival time: when the next call would come if all calls so far had kept their distance. A
call may come earlier by the burst; it moves the time one interval on. So a place in the future can be booked exactly,
and a thousand callers need no order among themselves.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.ports.pace import LONGEST_CLOSED, LONGEST_WAIT, Toll
from bot.store.dialect import insert_new
from bot.store.engine import Writer
from bot.store.tables import paces

_HORIZON = LONGEST_WAIT + LONGEST_CLOSED
"""No time is further ahead than that, unless the clock was set back."""
_MOMENT = 0.001
"""Seconds not worth waiting for."""


class SqlPaces:
    """ports.pace.Paces."""

    def __init__(self, engine: AsyncEngine, write: Writer) -> None:
        self._engine = engine
        self._write = write

    async def take(self, tolls: Sequence[Toll], *, at: float, within: float, leave: int = 0) -> float:
        books_nothing = not any(toll.interval for toll in tolls)
        async with self._engine.connect() if books_nothing else self._write() as connection:
            return await take(connection, tolls, at=at, within=within, leave=leave)

    async def close(self, toll: Toll, *, at: float, until: float) -> None:
        until = min(until, at + LONGEST_CLOSED)
        async with self._write() as connection:
            await _books(connection, [toll.key])
            closed_until = sa.case((paces.c.closed_until.between(until, at + LONGEST_CLOSED), paces.c.closed_until))
            spent = until + toll.interval * (toll.burst - 1)
            tat = sa.case((paces.c.tat.between(spent, at + _HORIZON), paces.c.tat))
            await connection.execute(
                sa.update(paces)
                .where(paces.c.key == toll.key)
                .values(closed_until=sa.func.coalesce(closed_until, until), tat=sa.func.coalesce(tat, spent))
            )


async def take(
    connection: AsyncConnection,
    tolls: Sequence[Toll],
    *,
    at: float,
    within: float,
    leave: int = 0,
    booked: bool = False,
) -> float:
    """`Paces.take` inside somebody's transaction; `booked`: the place is paid for, only closed keys are in the way."""
    if not tolls:
        return 0.0
    keys, paced = [toll.key for toll in tolls], any(toll.interval for toll in tolls)
    books = await (_books(connection, keys) if paced else _read(connection, keys))
    closed = max(books[toll.key][1] for toll in tolls)
    if booked and not at < closed <= at + LONGEST_CLOSED:
        return 0.0
    slot = max(_earliest(toll, *books[toll.key], at=at, leave=leave) for toll in tolls)
    wait = slot - at if slot - at >= _MOMENT else 0.0
    if wait <= within:
        await _book(connection, tolls, books, slot=slot, at=at)
    return wait


def _earliest(toll: Toll, tat: float, closed_until: float, *, at: float, leave: int) -> float:
    ahead = toll.interval * (max(1, toll.burst - leave) - 1)
    closed = closed_until if closed_until <= at + LONGEST_CLOSED else at
    return max(at, _sane(tat, at) - ahead, closed) if toll.interval else max(at, closed)


def _sane(tat: float, at: float) -> float:
    return tat if tat <= at + _HORIZON else at


async def _books(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, tuple[float, float]]:
    """(theoretical arrival time, closed until) of each key, locked in one order so that nobody waits in a circle."""
    query = sa.select(paces).where(paces.c.key.in_(keys)).order_by(paces.c.key).with_for_update()
    books = {row.key: (row.tat, row.closed_until) for row in await connection.execute(query)}
    missing = sorted(set(keys) - set(books))
    if not missing:
        return books
    for key in missing:
        await insert_new(connection, paces, {"key": key, "tat": 0.0, "closed_until": 0.0})
    return {row.key: (row.tat, row.closed_until) for row in await connection.execute(query)}


async def _read(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, tuple[float, float]]:
    found = await connection.execute(sa.select(paces).where(paces.c.key.in_(keys)))
    return dict.fromkeys(keys, (0.0, 0.0)) | {row.key: (row.tat, row.closed_until) for row in found}


async def _book(
    connection: AsyncConnection, tolls: Sequence[Toll], books: dict[str, tuple[float, float]], *, slot: float, at: float
) -> None:
    for toll in tolls:
        if toll.interval:
            tat = max(_sane(books[toll.key][0], at), slot) + toll.interval
            await connection.execute(sa.update(paces).where(paces.c.key == toll.key).values(tat=tat))
