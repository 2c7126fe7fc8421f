"""The ticket desk: what a ticket is, and the default desk in the bot's own database."""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.base import ToolUnavailableError
from tools.database import alone, fetch, metadata, transact
from tools.ownership import canonical

Priority = Literal["low", "medium", "high", "urgent"]
TicketCategory = Literal["billing", "technical", "account", "product"]

RECENT = 10
"""Tickets of one customer that are shown."""
_FIRST_NUMBER = 1001
"""On an empty desk."""
_ATTEMPTS = 20
"""At a free number, when several tickets are opened at once."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket about to be opened."""

    customer_email: str
    subject: str
    body: str
    priority: Priority
    category: TicketCategory
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that people work on."""

    id: str
    """As people write it, `FW-2056`."""
    customer_email: str
    subject: str
    body: str
    priority: str
    category: str
    status: str
    """open | pending | solved."""
    created_at: float
    conversation_id: str
    key: str
    """Of the tool use that opened it."""


class TicketDesk(Protocol):
    """Where tickets are kept. Raises ToolUnavailableError while it does not answer."""

    async def open(self, ticket: NewTicket, key: str) -> Ticket:
        """Open a ticket, once per key and once per request.

        Returns the ticket of that key if there is one already, else the open ticket of the same customer in the same
        conversation with the same subject (letter case and spaces aside), else a new one. The returned ticket's own
        key tells which it was.
        """
        ...

    async def find_by_key(self, key: str) -> Ticket | None: ...

    async def recent(self, email: str) -> tuple[Ticket, ...]:
        """Tickets of a customer, newest first, at most `RECENT`."""
        ...


class TicketHouse(TicketDesk, Protocol):
    """The desks of all workspaces; as a desk itself, it shows everything."""

    def of(self, workspace: str, *, with_unplaced: bool = False) -> TicketDesk:
        """The desk of one workspace: tickets of its conversations; `with_unplaced`: and those of none."""
        ...


def normalised(subject: str) -> str:
    """A subject as it counts for "the same request"."""
    return " ".join(unicodedata.normalize("NFKC", subject).casefold().split())


_OPEN = sa.text("status = 'open'")
tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("customer_email", sa.Text, nullable=False, index=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("subject_key", sa.Text, nullable=False, comment="normalised subject"),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Index(
        "uq_tickets_same_request",
        "customer_email",
        "conversation_id",
        "subject_key",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
)


class SqlTickets:
    """Tickets in a table of ours, numbered one after another."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Callable[[], float],
        *,
        prefix: str = "FW",
        visible: sa.ColumnElement[bool] | None = None,
        is_beside: bool = False,
    ) -> None:
        """`visible`: which tickets there are for this desk; all of them without.

        `is_beside`: another company's system is the usual desk, and its failures say nothing about this one.
        """
        self._engine = engine
        self._clock = clock
        self._prefix = prefix
        self.is_beside = is_beside
        self._visible = sa.true() if visible is None else visible

    def of(self, workspace: str, *, with_unplaced: bool = False) -> "SqlTickets":
        """The desk of one workspace: tickets of its conversations; `with_unplaced`: and those of none."""
        own = sa.func.substr(tickets.c.conversation_id, 1, len(workspace) + 1) == f"{workspace}:"
        visible = sa.or_(own, tickets.c.conversation_id == "") if with_unplaced else own
        return SqlTickets(
            self._engine, self._clock, prefix=self._prefix, visible=visible, is_beside=self.is_beside
        )  # fmt: skip

    async def open(self, ticket: NewTicket, key: str) -> Ticket:
        """The unique key and the unique index decide; a lost race is answered with the winner's ticket."""
        for _ in range(_ATTEMPTS):
            known = await self._existing(ticket, key)
            if known is not None:
                return known
            try:
                await transact(self._engine, lambda connection: self._insert(connection, ticket, key))
            except IntegrityError:
                continue  # somebody took the number, the key or the request; look again
        known = await self._existing(ticket, key)
        if known is None:
            raise ToolUnavailableError("no free ticket number")
        return known

    async def find_by_key(self, key: str) -> Ticket | None:
        found = await self._select(tickets.c.key == key)
        return found[0] if found else None

    async def recent(self, email: str) -> tuple[Ticket, ...]:
        return await self._select(tickets.c.customer_email == canonical(email))

    async def is_empty(self) -> bool:
        """True before the first ticket."""
        return not await self._select(sa.true())

    async def seed(self, rows: Iterable[Ticket]) -> None:
        """Put in tickets that exist already, with their own numbers, while there are none."""
        values = [self._row(ticket) for ticket in rows]

        async def write(connection: AsyncConnection) -> None:
            await alone(connection)
            if await connection.scalar(sa.select(tickets.c.number).limit(1)) is None:
                await connection.execute(sa.insert(tickets), values)

        await transact(self._engine, write)

    async def _existing(self, ticket: NewTicket, key: str) -> Ticket | None:
        same_request = sa.and_(
            tickets.c.customer_email == canonical(ticket.customer_email),
            tickets.c.conversation_id == ticket.conversation_id,
            tickets.c.subject_key == normalised(ticket.subject),
            tickets.c.status == "open",
        )
        found = await self._select(sa.or_(tickets.c.key == key, same_request))
        return next((t for t in found if t.key == key), found[0] if found else None)

    async def _insert(self, connection: AsyncConnection, ticket: NewTicket, key: str) -> None:
        columns = {**_columns(ticket), "status": "open", "created_at": self._clock(), "key": key}
        number = sa.func.coalesce(sa.func.max(tickets.c.number), _FIRST_NUMBER - 1) + 1
        values = [sa.literal(value, tickets.c[name].type) for name, value in columns.items()]
        await connection.execute(
            sa.insert(tickets).from_select(["number", *columns], sa.select(number, *values).select_from(tickets))
        )

    async def _select(self, condition: sa.ColumnElement[bool]) -> tuple[Ticket, ...]:
        query = (
            sa.select(tickets)
            .where(condition, self._visible)
            .order_by(tickets.c.created_at.desc(), tickets.c.number.desc())
            .limit(RECENT)
        )
        return tuple(self._ticket(row) for row in await fetch(self._engine, query))

    def _ticket(self, row: sa.Row[*tuple[Any, ...]]) -> Ticket:
        return Ticket(
            f"{self._prefix}-{row.number}", row.customer_email, row.subject, row.body, row.priority, row.category,
            row.status, row.created_at, row.conversation_id, row.key,
        )  # fmt: skip

    def _row(self, ticket: Ticket) -> dict[str, object]:
        number = int(ticket.id.removeprefix(f"{self._prefix}-"))
        known = {"number": number, "status": ticket.status, "created_at": ticket.created_at, "key": ticket.key}
        return known | _columns(ticket)


def _columns(ticket: NewTicket | Ticket) -> dict[str, object]:
    """What a ticket has from whoever asked for it."""
    return {
        "customer_email": canonical(ticket.customer_email),
        "subject": ticket.subject,
        "subject_key": normalised(ticket.subject),
        "body": ticket.body,
        "priority": ticket.priority,
        "category": ticket.category,
        "conversation_id": ticket.conversation_id,
    }
