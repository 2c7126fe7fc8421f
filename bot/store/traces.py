"""Queries of the record of steps."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import from_micro, to_micro
from bot.domain.trace import Action, TraceEvent
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow
from bot.store.tables import traces
from bot.store.usage import usage_columns, usage_of


class SqlTraces:
    """ports.store.Traces on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def add(self, *events: TraceEvent) -> None:
        for event in events:
            self._bounds.check_conversation(event.conversation_id)
        if events:
            await self._connection.execute(sa.insert(traces), [_row(event) for event in events])

    async def of_conversation(self, conversation_id: str) -> list[TraceEvent]:
        if not self._bounds.holds(conversation_id):
            return []
        query = sa.select(traces).where(traces.c.conversation_id == conversation_id).order_by(traces.c.seq)
        return [_event(row) for row in await self._connection.execute(query)]

    async def recent(self, count: int) -> list[str]:
        newest = sa.func.max(traces.c.seq)
        mine = self._bounds.conversation(traces.c.conversation_id)
        query = sa.select(traces.c.conversation_id).where(mine).group_by(traces.c.conversation_id)
        return list(await self._connection.scalars(query.order_by(newest.desc()).limit(count)))


def _row(event: TraceEvent) -> dict[str, object]:
    return {
        "conversation_id": event.conversation_id,
        "run_id": event.run_id,
        "step": event.step,
        "action": event.action.value,
        "name": event.name,
        "at": event.at,
        "given": event.given,
        "got": event.got,
        **usage_columns(event.usage),
        "cost": to_micro(event.cost),
        "duration_ms": event.duration_ms,
        "attempt": event.attempt,
        "ok": event.ok,
        "error": event.error,
    }


def _event(row: AnyRow) -> TraceEvent:
    return TraceEvent(
        conversation_id=row.conversation_id,
        run_id=row.run_id,
        step=row.step,
        action=Action(row.action),
        name=row.name,
        at=row.at,
        given=row.given,
        got=row.got,
        usage=usage_of(row),
        cost=from_micro(row.cost),
        duration_ms=row.duration_ms,
        attempt=row.attempt,
        ok=row.ok,
        error=row.error,
    )
