"""The book of requests for tickets: one row for each, written before anything is sent.

Who wants to make a request takes it first, for a few seconds, by one conditional write; nobody else makes it meanwhile.
What is taken by somebody who died is free after those seconds. The states of a request:

    new      nothing was sent
    sent     it went out, and nobody knows what came of it
    opened   its ticket is known; the same request from the same conversation leads to that ticket
    over     that ticket is solved or gone; the same request may be made anew

The unique key makes a tool use open one ticket, the unique index makes a request open one.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.base import ToolUnavailableError
from tools.database import fetch, metadata, transact
from tools.ownership import canonical
from tools.tickets.desk import RECENT, NewTicket, normalised

NEW, SENT, OPENED, OVER = "new", "sent", "opened", "over"
_ATTEMPTS = 20
"""At taking a request that others take and give back at the same time."""
_LIVE = sa.text("state <> 'over'")

ticket_keys = sa.Table(
    "ticket_keys",
    metadata,
    sa.Column("desk", sa.Text, primary_key=True, comment="which ticket system"),
    sa.Column("key", sa.Text, primary_key=True, comment="of the tool use"),
    sa.Column("request", sa.Text, nullable=False, comment="digest of customer, conversation and subject"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("vendor_id", sa.Text, nullable=False, comment="empty until it is known"),
    sa.Column("customer_email", sa.Text, nullable=False, index=True, comment="canonical"),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("first_sent_at", sa.Double, nullable=True),
    sa.Column("sent_at", sa.Double, nullable=True),
    sa.Column("holder", sa.Text, nullable=False, comment="empty: nobody"),
    sa.Column("held_until", sa.Double, nullable=False),
    sa.Index(
        "uq_ticket_keys_request", "desk", "request", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
    ),
    sa.Index("ix_ticket_keys_vendor_id", "desk", "vendor_id"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A request as the book has it."""

    key: str
    ticket: NewTicket
    """As it was first asked for; its address is canonical."""
    state: str
    vendor_id: str
    created_at: float
    first_sent_at: float | None
    sent_at: float | None
    holder: str


class TicketKeys:
    """The requests to one ticket system."""

    def __init__(
        self,
        engine: AsyncEngine,
        desk: str,
        clock: Callable[[], float],
        *,
        hold_seconds: float,
        visible: sa.ColumnElement[bool] | None = None,
    ) -> None:
        """`hold_seconds` is for how long a request is taken; the clocks of all replicas must agree to a second."""
        self._engine = engine
        self._desk = desk
        self._clock = clock
        self._hold_seconds = hold_seconds
        self._own = sa.and_(ticket_keys.c.desk == desk, sa.true() if visible is None else visible)

    def of(self, workspace: str, *, with_unplaced: bool) -> "TicketKeys":
        """What `find`, `recent` and `behind` see is of this workspace's conversations; `with_unplaced`: or of none."""
        column = ticket_keys.c.conversation_id
        inside = sa.func.substr(column, 1, len(workspace) + 1) == f"{workspace}:"
        visible = sa.or_(inside, column == "") if with_unplaced else inside
        return TicketKeys(self._engine, self._desk, self._clock, hold_seconds=self._hold_seconds, visible=visible)

    async def take(self, ticket: NewTicket, key: str, holder: str) -> Entry:
        """The request of this key or the same one of another; its `holder` tells whether it is ours to make now."""
        for _ in range(_ATTEMPTS):
            try:
                entry = await transact(self._engine, lambda connection: self._take(connection, ticket, key, holder))
            except IntegrityError:
                continue  # somebody wrote it first
            if entry is not None:
                return entry
        raise ToolUnavailableError("the book of tickets is in great demand")

    async def sending(self, entry: Entry) -> Entry:
        """Note that it goes out now; ToolUnavailableError when it is no longer ours to make."""
        now = self._clock()
        first = now if entry.first_sent_at is None else entry.first_sent_at
        still = (ticket_keys.c.holder == entry.holder, ticket_keys.c.held_until > now)
        changes = {
            "state": SENT, "first_sent_at": first, "sent_at": now, "held_until": now + self._hold_seconds,
        }  # fmt: skip
        if not await self._change(entry, *still, **changes):
            raise ToolUnavailableError("the request for a ticket was taken over")
        return replace(entry, state=SENT, first_sent_at=first, sent_at=now)

    async def opened(self, entry: Entry, vendor_id: str) -> str:
        """Note its ticket; the id in the book, which is another one when somebody else was faster."""
        done = {"state": OPENED, "vendor_id": vendor_id, "holder": "", "held_until": 0.0}
        if await self._change(entry, ticket_keys.c.state.in_((NEW, SENT)), **done):
            return vendor_id
        rows = await self._rows(self._at(entry))
        return rows[0].vendor_id if rows else vendor_id

    async def not_sent(self, entry: Entry) -> None:
        """Nothing was done: the book is as it was before; a request that never went out is forgotten."""
        mine = sa.and_(self._at(entry), ticket_keys.c.holder == entry.holder)
        if entry.state == NEW:
            await transact(self._engine, lambda connection: connection.execute(sa.delete(ticket_keys).where(mine)))
            return
        before = {"first_sent_at": entry.first_sent_at, "sent_at": entry.sent_at, "holder": "", "held_until": 0.0}
        await self._change(entry, ticket_keys.c.holder == entry.holder, state=entry.state, **before)

    async def give_back(self, entry: Entry) -> None:
        """Let others make it, or find what came of it."""
        await self._change(entry, ticket_keys.c.holder == entry.holder, holder="", held_until=0.0)

    async def over(self, entry: Entry) -> None:
        """Its ticket is done with; the same request may be made anew."""
        await self._change(entry, ticket_keys.c.state == OPENED, state=OVER)

    async def find(self, key: str) -> Entry | None:
        """The request of this key whose ticket is known."""
        known = ticket_keys.c.state.in_((OPENED, OVER))
        rows = await self._rows(sa.and_(self._own, ticket_keys.c.key == key, known))
        return _entry(rows[0]) if rows else None

    async def recent(self, email: str) -> tuple[Entry, ...]:
        """Requests of a customer whose tickets are known, newest first."""
        known = ticket_keys.c.state.in_((OPENED, OVER))
        rows = await self._rows(sa.and_(self._own, ticket_keys.c.customer_email == canonical(email), known))
        return tuple(_entry(row) for row in rows[:RECENT])

    async def behind(self, vendor_ids: Collection[str]) -> dict[str, tuple[Entry, bool]]:
        """By vendor id: the requests behind these tickets, and whether we may see them."""
        query = sa.select(ticket_keys, self._own.label("seen")).where(
            ticket_keys.c.desk == self._desk, ticket_keys.c.vendor_id.in_([id_ for id_ in vendor_ids if id_])
        )
        return {row.vendor_id: (_entry(row), bool(row.seen)) for row in await fetch(self._engine, query)}

    async def _take(self, connection: AsyncConnection, ticket: NewTicket, key: str, holder: str) -> Entry | None:
        """None: look again."""
        now, request = self._clock(), _digest(ticket)
        same = sa.and_(ticket_keys.c.request == request, ticket_keys.c.state != OVER)
        query = sa.select(ticket_keys).where(ticket_keys.c.desk == self._desk, sa.or_(ticket_keys.c.key == key, same))
        rows = (await connection.execute(query)).all()
        row = next((one for one in rows if one.key == key), rows[0] if rows else None)
        if row is None:
            values = self._row(ticket, key, request, holder, now)
            await connection.execute(sa.insert(ticket_keys).values(values))
            return _entry(SimpleNamespace(**values))
        if row.state in (OPENED, OVER) or row.held_until > now:
            return _entry(row)
        as_seen = sa.and_(
            ticket_keys.c.desk == self._desk, ticket_keys.c.key == row.key, ticket_keys.c.state == row.state,
            ticket_keys.c.holder == row.holder, ticket_keys.c.held_until == row.held_until,
        )  # fmt: skip
        if row.state == NEW and row.key != key:  # somebody died before it went out: it is ours, in our words
            await connection.execute(sa.delete(ticket_keys).where(as_seen))
            return None
        taken = {"holder": holder, "held_until": now + self._hold_seconds}
        result = await connection.execute(sa.update(ticket_keys).where(as_seen).values(taken))
        return replace(_entry(row), holder=holder) if result.rowcount == 1 else None

    def _row(self, ticket: NewTicket, key: str, request: str, holder: str, now: float) -> dict[str, Any]:
        return {
            "desk": self._desk,
            "key": key,
            "request": request,
            "state": NEW,
            "vendor_id": "",
            "customer_email": canonical(ticket.customer_email),
            "conversation_id": ticket.conversation_id,
            "subject": ticket.subject,
            "body": ticket.body,
            "priority": ticket.priority,
            "category": ticket.category,
            "created_at": now,
            "first_sent_at": None,
            "sent_at": None,
            "holder": holder,
            "held_until": now + self._hold_seconds,
        }

    def _at(self, entry: Entry) -> sa.ColumnElement[bool]:
        return sa.and_(ticket_keys.c.desk == self._desk, ticket_keys.c.key == entry.key)

    async def _change(self, entry: Entry, *where: sa.ColumnElement[bool], **values: object) -> bool:
        change = sa.update(ticket_keys).where(self._at(entry), *where).values(values)
        result = await transact(self._engine, lambda connection: connection.execute(change))
        return result.rowcount == 1

    async def _rows(self, where: sa.ColumnElement[bool]) -> list[sa.Row[*tuple[Any, ...]]]:
        newest = (ticket_keys.c.created_at.desc(), ticket_keys.c.key.desc())
        return list(await fetch(self._engine, sa.select(ticket_keys).where(where).order_by(*newest).limit(RECENT)))


def _digest(ticket: NewTicket) -> str:
    """The same for what counts as the same request."""
    parts = (canonical(ticket.customer_email), ticket.conversation_id, normalised(ticket.subject))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _entry(row: Any) -> Entry:
    ticket = NewTicket(
        row.customer_email, row.subject, row.body, row.priority, row.category, row.conversation_id
    )  # fmt: skip
    return Entry(
        row.key, ticket, row.state, row.vendor_id, row.created_at, row.first_sent_at, row.sent_at, row.holder
    )  # fmt: skip
