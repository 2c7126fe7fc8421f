"""Queries of the outbox: what the desk writes, and what the worker that delivers asks for."""

from collections.abc import Callable, Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.effects import EFFECT, Outgoing, Receipt, Session
from bot.domain.trace import TraceEvent
from bot.ports.clock import Clock
from bot.ports.outbox import Delivery, Intent, Reference, Referred
from bot.ports.pace import LONGEST_CLOSED, LONGEST_WAIT, Toll
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.delivered import CLOSED, record_ends
from bot.store.dialect import AnyRow, insert_new
from bot.store.engine import Writer
from bot.store.epochs import Epochs
from bot.store.paces import take
from bot.store.tables import conversations, outbox, replicas

_RECEIPT = (outbox.c.receipt_channel, outbox.c.receipt_ts, outbox.c.receipt_streamed, outbox.c.receipt_session)
_WAITING, _DELIVERED, _VOIDED, _FAILED = "waiting", "delivered", "voided", "failed"
_Where = tuple[sa.ColumnElement[bool], ...]
_LONGEST_PAUSE = LONGEST_CLOSED
"""Nothing is postponed for longer; a time further ahead was written before the clock was set back."""
_SAME_EPOCH = sa.or_(
    outbox.c.epoch.is_(None),
    sa.exists()
    .where(conversations.c.id == outbox.c.conversation_id, conversations.c.epoch == outbox.c.epoch)
    .correlate(outbox),
)


class SqlOutbox:
    """ports.store.Outbox on one connection."""

    def __init__(
        self, connection: AsyncConnection, clock: Clock, added: list[str], bounds: Bounds = EVERYWHERE
    ) -> None:
        self._connection = connection
        self._bounds = bounds
        self._mine = bounds.team(outbox.c.team_id)
        self._clock = clock
        self._added = added

    async def add(self, *outgoing: Outgoing) -> None:
        for one in outgoing:
            self._bounds.check(one.effect.place.team_id)
            if one.conversation_id is not None:
                self._bounds.check_conversation(one.conversation_id)
            await insert_new(self._connection, outbox, self._row(one))
            self._added.append(one.key)

    async def receipt(self, key: str) -> Receipt | None:
        query = sa.select(*_RECEIPT).where(outbox.c.key == key, self._mine)
        row = (await self._connection.execute(query)).first()
        return _receipt(row) if row else None

    async def known(self, keys: Sequence[str]) -> frozenset[str]:
        query = sa.select(outbox.c.key).where(outbox.c.key.in_(keys), self._mine)
        return frozenset(await self._connection.scalars(query))

    def _row(self, outgoing: Outgoing) -> dict[str, object]:
        return {
            "key": outgoing.key,
            "team_id": outgoing.effect.place.team_id,
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
    """ports.outbox.OutboxQueue: each method is one short transaction. What is closed goes into the record of steps."""

    def __init__(
        self,
        engine: AsyncEngine,
        write: Writer,
        replica_id: str = "",
        epochs: Epochs | None = None,
        recorded: Callable[[Sequence[TraceEvent]], None] = lambda _: None,
    ) -> None:
        """`recorded`: told of rows of that record when they are committed."""
        self._recorded = recorded
        self._engine = engine
        self._epochs = epochs or Epochs()
        self._write = write
        self._me = replica_id
        alive = sa.exists().where(replicas.c.id == outbox.c.intent_by).correlate(outbox)
        self._free = sa.or_(outbox.c.intent_by.is_(None), outbox.c.intent_by == self._me, ~alive)

    async def due_lanes(self, now: float, *, busy: Collection[str], limit: int) -> list[str]:
        heads = sa.select(sa.func.min(outbox.c.seq)).where(outbox.c.state == _WAITING).group_by(outbox.c.lane)
        query = (
            sa.select(outbox.c.lane)
            .where(outbox.c.seq.in_(heads), _is_due(now), self._free, outbox.c.lane.not_in(busy))
            .order_by(outbox.c.seq)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list(await connection.scalars(query))

    async def head(self, lane: str, now: float) -> Delivery | None:
        ready = sa.and_(_is_due(now), self._free).label("ready")
        query = sa.select(outbox, ready).where(outbox.c.lane == lane, outbox.c.state == _WAITING)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query.order_by(outbox.c.seq).limit(1))).first()
            if row is None or not row.ready:
                return None
            references = await self._references(connection, row)
        return Delivery(
            outgoing=_outgoing(row),
            attempts=row.attempts,
            created_at=row.created_at,
            intent_at=row.intent_at,
            edits=references.get(row.edits),
            under=references.get(row.under),
            slot_at=row.slot_at,
        )

    async def due_at(self, lane: str) -> float | None:
        query = sa.select(outbox.c.not_before).where(outbox.c.lane == lane, outbox.c.state == _WAITING)
        async with self._engine.connect() as connection:
            return await connection.scalar(query.order_by(outbox.c.seq).limit(1))

    async def intend(
        self,
        delivery: Delivery,
        *,
        at: float,
        tolls: Sequence[Toll] = (),
        most_wait: float = LONGEST_WAIT,
        droppable: bool = False,
    ) -> Intent:
        booked = delivery.slot_at is not None and delivery.slot_at <= at
        async with self._write() as connection:
            wait = await take(connection, tolls, at=at, within=most_wait, booked=booked)
            if wait > most_wait and droppable:
                intent, values = Intent.LATE, {**_closed(_VOIDED, at), "error": "TooLate"}
            elif wait > 0:
                slot = at + wait if wait <= most_wait else None
                intent, values = Intent.WAITS, {"not_before": at + min(wait, most_wait), "slot_at": slot}
            else:
                begun = {"intent_at": at, "intent_by": self._me, "slot_at": None}
                intent, values = Intent.GRANTED, {**begun, "attempts": delivery.attempts + 1}
            row = _unchanged(delivery)
            if (await connection.execute(sa.update(outbox).where(*row, _SAME_EPOCH).values(values))).rowcount:
                return intent
            events = await _close(connection, row, _closed(_VOIDED, at))
        self._recorded(events or ())
        return Intent.TAKEN if events is None else Intent.VOIDED

    async def is_current(self, outgoing: Outgoing) -> bool:
        if outgoing.epoch is None:
            return True
        query = sa.select(conversations.c.epoch).where(conversations.c.id == outgoing.conversation_id)
        async with self._engine.connect() as connection:
            epoch: int | None = await connection.scalar(query)
        return epoch == outgoing.epoch and self._epochs.allows(outgoing.conversation_id or "", outgoing.epoch)

    async def delivered(self, key: str, receipt: Receipt | None, *, at: float) -> None:
        done = _closed(_DELIVERED, at)
        if receipt is not None:
            done |= {"receipt_channel": receipt.channel_id, "receipt_ts": receipt.ts}
            done |= {"receipt_streamed": receipt.streamed, "receipt_session": receipt.session}
        await self._end((outbox.c.key == key, outbox.c.state == _WAITING), done)

    async def postpone(self, delivery: Delivery, *, until: float, unknown: bool, error: str = "") -> None:
        kept = {} if unknown else {"intent_at": None}
        values = {"not_before": until, "error": error, "intent_by": None, "slot_at": None, **kept}
        async with self._write() as connection:
            await connection.execute(sa.update(outbox).where(*_unchanged(delivery)).values(values))

    async def drop(self, delivery: Delivery, *, at: float, error: str) -> None:
        await self._end(_unchanged(delivery), _closed(_VOIDED, at) | {"error": error})

    async def fail(self, delivery: Delivery, *, at: float, error: str) -> None:
        await self._end(_unchanged(delivery), _closed(_FAILED, at) | {"error": error})

    async def _end(self, row: _Where, values: dict[str, object]) -> None:
        async with self._write() as connection:
            events = await _close(connection, row, values)
        self._recorded(events or ())

    @staticmethod
    async def _references(connection: AsyncConnection, row: AnyRow) -> dict[str | None, Reference]:
        keys = {key for key in (row.edits, row.under) if key is not None}
        if not keys:
            return {}
        same_team = outbox.c.team_id == row.team_id
        found = await connection.execute(sa.select(outbox).where(outbox.c.key.in_(keys), same_team))
        references: dict[str | None, Reference] = {key: Reference(Referred.GONE) for key in keys}
        references |= {other.key: _reference(other) for other in found}
        for key in keys:
            if references[key].state is Referred.GONE and (stand_in := await _stand_in(connection, key)):
                references[key] = Reference(Referred.DELIVERED, stand_in)
        return references


async def _close(connection: AsyncConnection, row: _Where, values: dict[str, object]) -> list[TraceEvent] | None:
    """Close a row; what was recorded of it, None when it was not (or no longer) there."""
    closed = (await connection.execute(sa.update(outbox).where(*row).values(values).returning(*CLOSED))).all()
    return await record_ends(connection, closed) if closed else None


def _is_due(now: float) -> sa.ColumnElement[bool]:
    return sa.or_(outbox.c.not_before <= now, outbox.c.not_before > now + _LONGEST_PAUSE)


def _unchanged(delivery: Delivery) -> tuple[sa.ColumnElement[bool], ...]:
    """The row as it was read: still open, and nobody has begun an attempt since."""
    return (
        outbox.c.key == delivery.outgoing.key,
        outbox.c.state == _WAITING,
        outbox.c.attempts == delivery.attempts,
    )


def _closed(state: str, at: float) -> dict[str, object]:
    return {"state": state, "finished_at": at, "intent_by": None, "slot_at": None}


async def _stand_in(connection: AsyncConnection, key: str) -> Receipt | None:
    """The message of the newest edit of an effect that itself was never delivered: it stands in its place."""
    query = sa.select(outbox).where(outbox.c.edits == key, outbox.c.receipt_ts.is_not(None))
    row = (await connection.execute(query.order_by(outbox.c.seq.desc()).limit(1))).first()
    return _receipt(row) if row else None


def _reference(row: AnyRow) -> Reference:
    states = {_WAITING: Referred.PENDING, _DELIVERED: Referred.DELIVERED}
    return Reference(states.get(row.state, Referred.GONE), _receipt(row))


def _receipt(row: AnyRow) -> Receipt | None:
    if not row.receipt_ts:
        return None
    session = Session(row.receipt_session) if row.receipt_session else None
    return Receipt(row.receipt_channel, row.receipt_ts, row.receipt_streamed, session)


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
