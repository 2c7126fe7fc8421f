"""Queries of the outbox: what the desk writes, and what the worker that delivers asks for."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.effects import EFFECT, Outgoing, Receipt
from bot.ports.clock import Clock
from bot.ports.outbox import Delivery, Intent, Reference, Referred
from bot.store.dialect import AnyRow, insert_new
from bot.store.engine import Writer
from bot.store.tables import conversations, outbox

_WAITING, _DELIVERED, _VOIDED, _FAILED = "waiting", "delivered", "voided", "failed"


class SqlOutbox:
    """ports.store.Outbox on one connection."""

    def __init__(self, connection: AsyncConnection, clock: Clock, added: list[str]) -> None:
        self._connection = connection
        self._clock = clock
        self._added = added

    async def add(self, *outgoing: Outgoing) -> None:
        for one in outgoing:
            await insert_new(self._connection, outbox, self._row(one))
            self._added.append(one.key)

    async def receipt(self, key: str) -> Receipt | None:
        query = sa.select(outbox.c.receipt_channel, outbox.c.receipt_ts).where(outbox.c.key == key)
        row = (await self._connection.execute(query)).first()
        return _receipt(row) if row else None

    async def known(self, keys: Sequence[str]) -> frozenset[str]:
        query = sa.select(outbox.c.key).where(outbox.c.key.in_(keys))
        return frozenset(await self._connection.scalars(query))

    def _row(self, outgoing: Outgoing) -> dict[str, object]:
        return {
            "key": outgoing.key,
            "kind": outgoing.effect.kind,
            "lane": outgoing.lane,
            "payload": EFFECT.dump_json(outgoing.effect).decode(),
            "conversation_id": outgoing.conversation_id,
            "epoch": outgoing.epoch,
            "edits": outgoing.edits,
            "under": outgoing.under,
            "not_before": outgoing.not_before,
            "state": _WAITING,
            "attempts": 0,
            "created_at": self._clock(),
            "error": "",
        }


class SqlOutboxQueue:
    """ports.outbox.OutboxQueue: each method is one short transaction."""

    def __init__(self, engine: AsyncEngine, write: Writer) -> None:
        self._engine = engine
        self._write = write

    async def due_lanes(self, now: float, *, busy: Collection[str], limit: int) -> list[str]:
        heads = sa.select(sa.func.min(outbox.c.seq)).where(outbox.c.state == _WAITING).group_by(outbox.c.lane)
        query = (
            sa.select(outbox.c.lane)
            .where(outbox.c.seq.in_(heads), outbox.c.not_before <= now, outbox.c.lane.not_in(busy))
            .order_by(outbox.c.seq)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def head(self, lane: str, now: float) -> Delivery | None:
        query = sa.select(outbox).where(outbox.c.lane == lane, outbox.c.state == _WAITING)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query.order_by(outbox.c.seq).limit(1))).first()
            if row is None or row.not_before > now:
                return None
            references = await self._references(connection, row)
        return Delivery(
            outgoing=_outgoing(row),
            attempts=row.attempts,
            created_at=row.created_at,
            intent_at=row.intent_at,
            edits=references.get(row.edits),
            under=references.get(row.under),
        )

    async def intend(self, delivery: Delivery, *, at: float) -> Intent:
        same_epoch = (
            sa.exists()
            .where(conversations.c.id == outbox.c.conversation_id, conversations.c.epoch == outbox.c.epoch)
            .correlate(outbox)
        )
        row = (
            outbox.c.key == delivery.outgoing.key,
            outbox.c.state == _WAITING,
            outbox.c.attempts == delivery.attempts,
        )
        async with self._write() as connection:
            begun = await connection.execute(
                sa.update(outbox)
                .where(*row, sa.or_(outbox.c.epoch.is_(None), same_epoch))
                .values(intent_at=at, attempts=outbox.c.attempts + 1)
            )
            if begun.rowcount:
                return Intent.GRANTED
            voided = await connection.execute(
                sa.update(outbox).where(*row).values(state=_VOIDED, intent_at=None, finished_at=at)
            )
            return Intent.VOIDED if voided.rowcount else Intent.TAKEN

    async def delivered(self, key: str, receipt: Receipt | None, *, at: float) -> None:
        await self._close(
            key,
            state=_DELIVERED,
            finished_at=at,
            receipt_channel=receipt.channel_id if receipt else None,
            receipt_ts=receipt.ts if receipt else None,
        )

    async def postpone(self, key: str, *, until: float, unknown: bool, error: str = "") -> None:
        kept = {} if unknown else {"intent_at": None}
        await self._close(key, not_before=until, error=error, **kept)

    async def fail(self, key: str, *, at: float, error: str) -> None:
        await self._close(key, state=_FAILED, finished_at=at, error=error)

    async def _close(self, key: str, **values: object) -> None:
        async with self._write() as connection:
            await connection.execute(
                sa.update(outbox).where(outbox.c.key == key, outbox.c.state == _WAITING).values(**values)
            )

    @staticmethod
    async def _references(connection: AsyncConnection, row: AnyRow) -> dict[str | None, Reference]:
        keys = {key for key in (row.edits, row.under) if key is not None}
        if not keys:
            return {}
        found = await connection.execute(sa.select(outbox).where(outbox.c.key.in_(keys)))
        references: dict[str | None, Reference] = {key: Reference(Referred.GONE) for key in keys}
        references |= {other.key: _reference(other) for other in found}
        for key in keys:
            if references[key].state is Referred.GONE and (stand_in := await _stand_in(connection, key)):
                references[key] = Reference(Referred.DELIVERED, stand_in)
        return references


async def _stand_in(connection: AsyncConnection, key: str) -> Receipt | None:
    """The message of the newest edit of an effect that itself was never delivered: it stands in its place."""
    query = sa.select(outbox).where(outbox.c.edits == key, outbox.c.receipt_ts.is_not(None))
    row = (await connection.execute(query.order_by(outbox.c.seq.desc()).limit(1))).first()
    return _receipt(row) if row else None


def _reference(row: AnyRow) -> Reference:
    states = {_WAITING: Referred.PENDING, _DELIVERED: Referred.DELIVERED}
    return Reference(states.get(row.state, Referred.GONE), _receipt(row))


def _receipt(row: AnyRow) -> Receipt | None:
    return Receipt(row.receipt_channel, row.receipt_ts) if row.receipt_ts else None


def _outgoing(row: AnyRow) -> Outgoing:
    return Outgoing(
        key=row.key,
        effect=EFFECT.validate_json(row.payload),
        lane=row.lane,
        conversation_id=row.conversation_id,
        epoch=row.epoch,
        edits=row.edits,
        under=row.under,
        not_before=row.not_before,
    )
