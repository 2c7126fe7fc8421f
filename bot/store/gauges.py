"""Queries of the monitor; each reads a partial index that holds only what is open."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.ports.keeping import PASSING, Gauges
from bot.store.tables import inbox, outbox, runs

_Pair = tuple[sa.ScalarSelect[int], sa.ScalarSelect[float]]


def _open(column: sa.Column[float], *where: sa.ColumnElement[bool]) -> _Pair:
    """(how many rows, the oldest)."""
    count = sa.select(sa.func.count()).where(*where).scalar_subquery()
    return count, sa.select(sa.func.min(column)).where(*where).scalar_subquery()


_CAUSES = _open(inbox.c.received_at, inbox.c.handled_at.is_(None), inbox.c.parked_at.is_(None))
_RUNS = _open(runs.c.started_at, runs.c.outcome.is_(None), runs.c.paused_at.is_(None))
_PARKED, _ = _open(inbox.c.parked_at, inbox.c.parked_at.is_not(None))
_FAILED, _ = _open(outbox.c.created_at, outbox.c.state == sa.literal_column("'failed'"), outbox.c.kind.not_in(PASSING))
_IS_WAITING = outbox.c.state == sa.literal_column("'waiting'")
"""A literal, here and above: SQLite takes a partial index only when it sees the value."""


class SqlMeter:
    """ports.keeping.Meter."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def gauges(self, now: float) -> Gauges:
        waiting, _ = _open(outbox.c.created_at, _IS_WAITING)
        _, oldest = _open(outbox.c.created_at, _IS_WAITING, outbox.c.not_before <= now)
        columns = (*_CAUSES, waiting, oldest, *_RUNS, _PARKED, _FAILED)
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(*columns))).one()
        return Gauges(row[0], _age(row[1], now), row[2], _age(row[3], now), row[4], _age(row[5], now), row[6], row[7])


def _age(since: float | None, now: float) -> float:
    return 0.0 if since is None else max(0.0, now - since)
