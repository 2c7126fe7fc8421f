"""Queries of timers: causes that are to reach the inbox at a later moment.

A timer is an event that arrives later. Whoever finds it due deletes its row and stores the event in one transaction, so
that of many processes one does, and a crash in between leaves the row as it was. A cause of a newer version, which this
one cannot read, is left for that version and looked at again later.
"""

import logging

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.incoming import INCOMING, Incoming, team_of
from bot.ports.store import DueTimer
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import upsert
from bot.store.tables import timers

logger = logging.getLogger(__name__)

_UNREADABLE_SECONDS = 60.0
"""After so long a timer that could not be read is tried again."""


class SqlTimers:
    """ports.store.Timers on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds
        self._mine = bounds.team(timers.c.team_id)

    async def set(
        self, key: str, cause: Incoming, *, due_at: float, partition: str, conversation_id: str | None = None
    ) -> None:
        team_id = team_of(cause)
        self._bounds.check(team_id)
        if conversation_id is not None:
            self._bounds.check_conversation(conversation_id)
        row: dict[str, object] = {
            "team_id": team_id,
            "key": key,
            "due_at": due_at,
            "partition": partition,
            "conversation_id": conversation_id,
            "payload": INCOMING.dump_json(cause).decode(),
        }
        await self._connection.execute(upsert(self._connection, timers, row))

    async def cancel(self, key: str) -> None:
        await self._connection.execute(sa.delete(timers).where(timers.c.key == key, self._mine))

    async def due_at(self, key: str) -> float | None:
        query = sa.select(timers.c.due_at).where(timers.c.key == key, self._mine)
        return (await self._connection.execute(query.with_for_update())).scalar_one_or_none()

    async def next_due(self) -> float | None:
        query = sa.select(sa.func.min(timers.c.due_at)).where(self._mine)
        found: float | None = (await self._connection.execute(query)).scalar_one_or_none()
        return found

    async def take_due(self, now: float, limit: int) -> list[DueTimer]:
        due = sa.select(timers).where(timers.c.due_at <= now, self._mine)
        due = due.order_by(timers.c.due_at, timers.c.key).limit(limit).with_for_update(skip_locked=True)
        taken: list[DueTimer] = []
        for row in (await self._connection.execute(due)).all():
            same = sa.and_(timers.c.team_id == row.team_id, timers.c.key == row.key)
            try:
                cause = INCOMING.validate_json(row.payload)
            except ValidationError:
                logger.error("timer.unreadable", extra={"fields": {"key": row.key}})  # noqa: TRY400 - would hold it
                later = sa.update(timers).where(same).values(due_at=now + _UNREADABLE_SECONDS)
                await self._connection.execute(later)
                continue
            if (await self._connection.execute(sa.delete(timers).where(same, timers.c.due_at <= now))).rowcount:
                taken.append(DueTimer(cause, row.partition, row.conversation_id))
        return taken
