"""Queries of the dead letters: causes that were parked, and deliveries that failed for good."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.conversation import ThreadKey
from bot.domain.incoming import INCOMING, CarryOn, MessageReceived
from bot.ports.clock import Clock, NewId
from bot.ports.keeping import PASSING, Stuck, StuckKind
from bot.store.dialect import AnyRow
from bot.store.engine import Writer
from bot.store.inbox import Enqueue, SqlInbox
from bot.store.tables import inbox, outbox

_AGAIN = (
    "The customer's last request broke off for a technical reason on our side; that is mended now. "
    "Work on it again and answer the customer."
)
_PARKED = inbox.c.parked_at.is_not(None)
_FAILED = sa.and_(
    outbox.c.state == sa.literal_column("'failed'"),  # SQLite's planner must see the value to take the index
    outbox.c.kind.not_in(PASSING),
)


class SqlDead:
    """ports.keeping.Dead; works beside a running bot."""

    def __init__(self, engine: AsyncEngine, write: Writer, enqueue: Enqueue, clock: Clock, new_id: NewId) -> None:
        self._engine = engine
        self._write = write
        self._enqueue = enqueue
        self._clock = clock
        self._new_id = new_id

    async def stuck(self, *, limit: int = 500) -> list[Stuck]:
        causes = sa.select(inbox).where(_PARKED).order_by(inbox.c.parked_at, inbox.c.id).limit(limit)
        deliveries = sa.select(outbox).where(_FAILED).order_by(outbox.c.seq).limit(limit)
        async with self._engine.connect() as connection:
            found = [_cause(row) for row in await connection.execute(causes)]
            found += [_delivery(row) for row in await connection.execute(deliveries)]
        return sorted(found, key=lambda one: one.stuck_at)[:limit]

    async def find(self, stuck_id: str) -> Stuck | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(sa.select(inbox).where(_PARKED, inbox.c.id == stuck_id))).first()
            if row is not None:
                return _cause(row)
            row = (await connection.execute(sa.select(outbox).where(_FAILED, outbox.c.key == stuck_id))).first()
        return _delivery(row) if row else None

    async def retry(self, one: Stuck) -> tuple[str, str] | None:
        async with self._write() as connection:
            if one.kind is StuckKind.DELIVERY:
                again = {"state": "waiting", "not_before": 0.0, "attempts": 0, "created_at": self._clock()}
                await connection.execute(
                    sa.update(outbox).where(_FAILED, outbox.c.key == one.id).values(**again, finished_at=None)
                )
                return None
            free = {"parked_at": None, "attempts": 0}
            row = (
                await connection.execute(
                    sa.update(inbox).where(_PARKED, inbox.c.id == one.id).values(**free).returning(inbox)
                )
            ).first()
            if row is None:
                return None
            if row.handled_at is None:
                return (row.id, row.partition)
            await self._new_turn(connection, row)
            return None

    async def drop(self, one: Stuck) -> None:
        async with self._write() as connection:
            if one.kind is StuckKind.DELIVERY:
                await connection.execute(
                    sa.update(outbox).where(_FAILED, outbox.c.key == one.id).values(state="voided")
                )
                return
            handled = sa.func.coalesce(inbox.c.handled_at, self._clock())
            await connection.execute(
                sa.update(inbox).where(_PARKED, inbox.c.id == one.id).values(parked_at=None, handled_at=handled)
            )

    async def _new_turn(self, connection: AsyncConnection, row: AnyRow) -> None:
        """The turn was ended honestly and its run is closed: the agent carries on in a new one."""
        before = INCOMING.validate_json(row.payload)
        if not isinstance(before, MessageReceived | CarryOn) or row.conversation_id is None:
            return
        asker = (before.user_id, before.author_team)
        inbox_id = self._new_id()
        cause = CarryOn(ThreadKey.parse(row.conversation_id), f"retry:{inbox_id}", _AGAIN, *asker)
        incoming = SqlInbox(connection, self._enqueue, self._clock, [])
        await incoming.add(inbox_id, cause, conversation_id=row.conversation_id, partition=row.conversation_id)


def _cause(row: AnyRow) -> Stuck:
    return Stuck(
        id=row.id,
        kind=StuckKind.CAUSE,
        what=row.kind,
        team_id=row.team_id,
        conversation_id=row.conversation_id,
        partition=row.partition,
        attempts=row.attempts,
        first_error=row.first_error,
        last_error=row.last_error,
        received_at=row.received_at,
        stuck_at=row.parked_at,
        ended=row.handled_at is not None,
    )


def _delivery(row: AnyRow) -> Stuck:
    return Stuck(
        id=row.key,
        kind=StuckKind.DELIVERY,
        what=row.kind,
        team_id=row.team_id,
        conversation_id=row.conversation_id,
        partition=row.lane,
        attempts=row.attempts,
        first_error=row.error,
        last_error=row.error,
        received_at=row.created_at,
        stuck_at=row.finished_at or row.created_at,
        ended=False,
    )
