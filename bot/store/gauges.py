"""Queries of the monitor; each reads a partial index that holds only what is open."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.ports.keeping import PASSING, Gauges
from bot.store.tables import escalations, inbox, outbox, runs
from tools.knowledge_base.tables import articles

_Pair = tuple[sa.ScalarSelect[int], sa.ScalarSelect[float]]


def _open(column: sa.Column[float], *where: sa.ColumnElement[bool]) -> _Pair:
    """(how many rows, the oldest)."""
    count = sa.select(sa.func.count()).where(*where).scalar_subquery()
    return count, sa.select(sa.func.min(column)).where(*where).scalar_subquery()


_CAUSES = _open(inbox.c.received_at, inbox.c.handled_at.is_(None), inbox.c.parked_at.is_(None))
_RUNS = _open(runs.c.started_at, runs.c.outcome.is_(None), runs.c.paused_at.is_(None))
_PARKED, _ = _open(inbox.c.parked_at, inbox.c.parked_at.is_not(None))
_FAILED, _ = _open(outbox.c.created_at, outbox.c.state == sa.literal_column("'failed'"), outbox.c.kind.not_in(PASSING))
_HAS_PROPOSAL = sa.and_(escalations.c.state == "open", escalations.c.proposal.is_not(None))
_IS_WAITING = outbox.c.state == sa.literal_column("'waiting'")
"""A literal, here and above: SQLite takes a partial index only when it sees the value."""
_CASES = sa.select(
    sa.func.coalesce(sa.func.sum(sa.case((escalations.c.state == "open", 1), else_=0)), 0),
    sa.func.coalesce(sa.func.sum(sa.case((escalations.c.state == "claimed", 1), else_=0)), 0),
    sa.func.coalesce(sa.func.sum(sa.case((_HAS_PROPOSAL, 1), else_=0)), 0),
).where(sa.text("state IN ('open', 'claimed')"))
_ARTICLES = sa.select(sa.func.count()).select_from(articles)


class SqlMeter:
    """ports.keeping.Meter."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._has_articles = False
        """Whether the knowledge base has made its tables."""

    async def gauges(self, now: float) -> Gauges:
        waiting, _ = _open(outbox.c.created_at, _IS_WAITING)
        _, oldest = _open(outbox.c.created_at, _IS_WAITING, outbox.c.not_before <= now)
        columns = (*_CAUSES, waiting, oldest, *_RUNS, _PARKED, _FAILED)
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(*columns))).one()
            cases = (await connection.execute(_CASES)).one()
            known = await self._articles(connection)
        return Gauges(
            row[0], _age(row[1], now), row[2], _age(row[3], now), row[4], _age(row[5], now), row[6], row[7],
            int(cases[0]), int(cases[1]), int(cases[2]), known,
        )  # fmt: skip

    async def _articles(self, connection: AsyncConnection) -> int:
        if not self._has_articles:
            self._has_articles = await connection.run_sync(lambda c: sa.inspect(c).has_table(articles.name))
        return int(await connection.scalar(_ARTICLES) or 0) if self._has_articles else 0


def _age(since: float | None, now: float) -> float:
    return 0.0 if since is None else max(0.0, now - since)
