"""Queries of the inbox."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.conversation import ThreadKey
from bot.domain.errors import PermanentError
from bot.domain.incoming import (
    INCOMING,
    CarryOn,
    DecisionMade,
    FeedbackGiven,
    Incoming,
    MessageReceived,
)
from bot.ports.clock import Clock
from bot.ports.store import Queued
from bot.store.dialect import AnyRow, insert_new
from bot.store.tables import inbox

Enqueue = Callable[[sa.Connection, str, str], None]
"""Queues the cause (inbox id, partition) inside the running transaction."""


class SqlInbox:
    """ports.store.Inbox on one connection."""

    def __init__(self, connection: AsyncConnection, enqueue: Enqueue, clock: Clock, added: list[str]) -> None:
        self._connection = connection
        self._enqueue = enqueue
        self._clock = clock
        self._added = added

    async def add(
        self, inbox_id: str, incoming: Incoming, *, conversation_id: str | None, partition: str, dispatch: bool = True
    ) -> bool:
        row = {
            "id": inbox_id,
            **_keys(incoming),
            "kind": incoming.kind,
            "conversation_id": conversation_id,
            "partition": partition,
            "order_ts": incoming.ts if isinstance(incoming, MessageReceived) else f"{self._clock():.6f}",
            "payload": INCOMING.dump_json(incoming).decode(),
            "received_at": self._clock(),
        }
        if not await insert_new(self._connection, inbox, row):
            return False
        if dispatch:
            await self._connection.run_sync(self._enqueue, inbox_id, partition)
            self._added.append(inbox_id)
        return True

    async def get(self, inbox_id: str) -> Queued | None:
        row = (await self._connection.execute(sa.select(inbox).where(inbox.c.id == inbox_id))).first()
        return _queued(row) if row else None

    async def waiting(self, conversation_id: str) -> list[Queued]:
        query = sa.select(inbox).where(*_waits_on(conversation_id)).order_by(inbox.c.order_ts, inbox.c.id)
        return [_queued(row) for row in await self._connection.execute(query)]

    async def is_waiting(self, conversation_id: str) -> bool:
        query = sa.select(inbox.c.id).where(*_waits_on(conversation_id)).limit(1)
        return (await self._connection.execute(query)).first() is not None

    async def mark_handled(self, inbox_ids: Sequence[str]) -> None:
        await self._connection.execute(
            sa.update(inbox)
            .where(inbox.c.id.in_(inbox_ids), inbox.c.handled_at.is_(None))
            .values(handled_at=self._clock())
        )

    async def count_attempt(self, inbox_id: str) -> int:
        result = await self._connection.execute(
            sa.update(inbox)
            .where(inbox.c.id == inbox_id)
            .values(attempts=inbox.c.attempts + 1)
            .returning(inbox.c.attempts)
        )
        attempts: int | None = result.scalar_one_or_none()
        if attempts is None:
            raise PermanentError(f"no inbox row {inbox_id}")
        return attempts

    async def unfinished(self, *, before: float) -> list[tuple[str, str]]:
        rows = await self._connection.execute(
            sa.select(inbox.c.id, inbox.c.partition)
            .where(inbox.c.handled_at.is_(None), inbox.c.received_at <= before)
            .order_by(inbox.c.id)
        )
        return [(row.id, row.partition) for row in rows]

    async def message(self, thread: ThreadKey, ts: str) -> Queued | None:
        key = f"{thread.channel_id}:{ts}"
        row = (await self._connection.execute(sa.select(inbox).where(inbox.c.message_key == key))).first()
        return _queued(row) if row else None

    async def replace(self, inbox_id: str, incoming: MessageReceived) -> None:
        await self._connection.execute(
            sa.update(inbox)
            .where(inbox.c.id == inbox_id, inbox.c.handled_at.is_(None))
            .values(payload=INCOMING.dump_json(incoming).decode())
        )


def _keys(incoming: Incoming) -> dict[str, str | None]:
    """What makes two deliveries the same event; any one of the keys is enough."""
    match incoming:
        case MessageReceived():
            channel = incoming.thread.channel_id
            client = f"{channel}:{incoming.client_msg_id}" if incoming.client_msg_id else None
            return {
                "event_id": incoming.event_id,
                "message_key": f"{channel}:{incoming.ts}",
                "client_key": client,
            }
        case DecisionMade() | FeedbackGiven():
            return _only(f"press:{incoming.press_id}")
        case CarryOn():
            return _only(f"cause:{incoming.cause}")
        case _:
            return _only(incoming.event_id)


def _only(event_id: str | None) -> dict[str, str | None]:
    return {"event_id": event_id, "message_key": None, "client_key": None}


def _queued(row: AnyRow) -> Queued:
    return Queued(
        id=row.id,
        incoming=INCOMING.validate_json(row.payload),
        conversation_id=row.conversation_id,
        attempts=row.attempts,
        handled=row.handled_at is not None,
    )


def _waits_on(conversation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        inbox.c.conversation_id == conversation_id,
        inbox.c.handled_at.is_(None),
        inbox.c.kind.in_(("message", "carry_on")),
    )
