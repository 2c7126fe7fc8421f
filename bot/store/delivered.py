"""What became of visible effects, as rows of the record of steps.

Only effects of a conversation that are meant to stay, and the first sign of work: what helps only for a moment is left
out. The run is the one that the key names (`answer:RUN`, `card:esc-RUN`), or whose live line it is.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.trace import Action, TraceEvent
from bot.ports.keeping import PASSING
from bot.store.dialect import AnyRow
from bot.store.tables import outbox, runs
from bot.store.traces import SqlTraces

CLOSED = (
    outbox.c.key,
    outbox.c.kind,
    outbox.c.conversation_id,
    outbox.c.epoch,
    outbox.c.attempts,
    outbox.c.created_at,
    outbox.c.finished_at,
    outbox.c.state,
    outbox.c.error,
)
"""What is to be returned of rows that were closed."""
_UNTOLD = (frozenset(PASSING) | {"remove"}) - {"live"}
_VOIDED = "voided"


async def record_ends(connection: AsyncConnection, closed: Sequence[AnyRow]) -> list[TraceEvent]:
    """Write a row for each effect that was delivered, voided or given up; the rows as they stand."""
    events = [await _event(connection, row) for row in closed if row.conversation_id and row.kind not in _UNTOLD]
    added: list[TraceEvent] = []
    await SqlTraces(connection, added=added).add(*events)
    return added


async def _event(connection: AsyncConnection, row: AnyRow) -> TraceEvent:
    is_delivered = row.state == "delivered"
    return TraceEvent(
        row.conversation_id, await _run_of(connection, row), 0, Action.DELIVERY, row.kind, row.finished_at,
        duration_ms=max(0, int((row.finished_at - row.created_at) * 1000)), attempt=max(1, row.attempts),
        ok=is_delivered, error="" if is_delivered else row.error or _VOIDED, ref=row.key, epoch=row.epoch,
    )  # fmt: skip


async def _run_of(connection: AsyncConnection, row: AnyRow) -> str:
    named = row.key.partition(":")[2]
    its_own = sa.or_(runs.c.id.in_((named, named.removeprefix("esc-"))), runs.c.live_key == row.key)
    query = sa.select(runs.c.id).where(runs.c.conversation_id == row.conversation_id, its_own).limit(1)
    return await connection.scalar(query) or ""
