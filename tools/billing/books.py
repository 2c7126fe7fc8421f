"""The books: what customers paid and what they got back, and the default books in the bot's own database."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.money import from_micro, to_micro
from tools.base import ConsentNeededError
from tools.customers.directory import CustomerRecord
from tools.database import alone, metadata, transact
from tools.ownership import canonical

DAY = 86_400.0
"""Seconds over which refunds are added up; it moves along, so that midnight opens no gap."""
RECENT = 10
"""Refunds of one customer that are shown."""
_FIRST_NUMBER = 1001
_PAID = "paid"


class RefundRefusedError(Exception):
    """The books do not allow this refund; the message says why, and what is possible."""


@dataclass(frozen=True, slots=True)
class NewRefund:
    """A refund about to be made."""

    customer_email: str
    amount: Decimal
    """USD, positive, whole cents."""
    reason: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back."""

    id: str
    """As people write it, `RF-1001`."""
    customer_email: str
    amount: Decimal
    reason: str
    at: float
    conversation_id: str
    key: str
    """Of the tool use that made it."""
    refundable: Decimal
    """USD that the customer has paid and not got back, after it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a refund may be."""

    allowance: Decimal | None = None
    """USD that the customer may get within a day, this refund included; None: as much as was paid."""
    again: bool = False
    """Whether the same amount may be given back once more within a day in one conversation."""


class Books(Protocol):
    """Where invoices and refunds are kept. Raises ToolUnavailableError while it does not answer."""

    async def refund(self, refund: NewRefund, key: str, terms: Terms) -> Refund:
        """Give money back, once per key, within the terms; the returned refund's own key tells whether it is a new one.

        Raises RefundRefusedError when nothing, or not so much, was paid; ConsentNeededError above the allowance. All of
        it is decided in one transaction.
        """
        ...

    async def look(self, refund: NewRefund) -> tuple[Decimal, Refund | None]:
        """USD that the customer has paid and not got back; the refund of this amount that the conversation has led to
        within a day, if there is one."""
        ...

    async def recent(self, email: str) -> tuple[Refund, ...]:
        """Refunds of a customer, newest first, at most `RECENT`."""
        ...


invoices = sa.Table(
    "billing_invoices",
    metadata,
    sa.Column("invoice", sa.Text, primary_key=True),
    sa.Column("customer_email", sa.Text, nullable=False, index=True, comment="canonical"),
    sa.Column("amount_micro", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False, comment="paid | open | failed | refunded"),
)
refunds = sa.Table(
    "billing_refunds",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("customer_email", sa.Text, nullable=False, index=True, comment="canonical"),
    sa.Column("amount_micro", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("refundable_micro", sa.BigInteger, nullable=False, comment="left after it"),
)


class NoBooks:
    """The books of a workspace that has none: nobody ever paid."""

    async def refund(self, refund: NewRefund, key: str, terms: Terms) -> Refund:  # noqa: ARG002 - nobody paid
        raise _never_paid(refund.customer_email)

    async def look(self, refund: NewRefund) -> tuple[Decimal, Refund | None]:  # noqa: ARG002 - nobody paid
        return Decimal(0), None

    async def recent(self, email: str) -> tuple[Refund, ...]:  # noqa: ARG002 - as above
        return ()


class SqlBooks:
    """Invoices and refunds in tables of ours."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock

    async def refund(self, refund: NewRefund, key: str, terms: Terms) -> Refund:
        email = canonical(refund.customer_email)

        async def book(connection: AsyncConnection) -> Refund:
            await _hold(connection, email)
            known = await _first(connection, refunds.c.key == key)
            if known is None and not terms.again:
                known = await self._same(connection, refund, email)
            if known is not None:
                return known
            await self._check(connection, refund, email, terms)
            return await self._insert(connection, refund, email, key)

        return await transact(self._engine, book)

    async def look(self, refund: NewRefund) -> tuple[Decimal, Refund | None]:
        email = canonical(refund.customer_email)

        async def read(connection: AsyncConnection) -> tuple[Decimal, Refund | None]:
            return await _refundable(connection, email), await self._same(connection, refund, email)

        return await transact(self._engine, read)

    async def recent(self, email: str) -> tuple[Refund, ...]:
        newest = sa.select(refunds).order_by(refunds.c.number.desc()).limit(RECENT)
        query = newest.where(refunds.c.customer_email == canonical(email))

        async def read(connection: AsyncConnection) -> tuple[Refund, ...]:
            return tuple(_refund(row) for row in await connection.execute(query))

        return await transact(self._engine, read)

    async def is_empty(self) -> bool:
        """True before the first invoice."""
        query = sa.select(sa.func.count()).select_from(invoices)
        return (await transact(self._engine, lambda connection: connection.scalar(query))) == 0

    async def seed(self, customers: Iterable[CustomerRecord]) -> None:
        """Put in the charges of these customers while there are none."""
        rows = [
            {
                "invoice": line.invoice,
                "customer_email": canonical(customer.email),
                "amount_micro": to_micro(line.amount),
                "status": line.status,
            }
            for customer in customers
            for line in customer.billing_history
        ]

        async def write(connection: AsyncConnection) -> None:
            await alone(connection)
            if rows and await connection.scalar(sa.select(invoices.c.invoice).limit(1)) is None:
                await connection.execute(sa.insert(invoices), rows)

        await transact(self._engine, write)

    async def _same(self, connection: AsyncConnection, refund: NewRefund, email: str) -> Refund | None:
        """The refund of this amount that this conversation has led to already."""
        return await _first(
            connection,
            refunds.c.customer_email == email,
            refunds.c.conversation_id == refund.conversation_id,
            refunds.c.amount_micro == to_micro(refund.amount),
            refunds.c.at > self._clock() - DAY,
        )

    async def _check(self, connection: AsyncConnection, refund: NewRefund, email: str, terms: Terms) -> None:
        left = await _refundable(connection, email)
        if left <= 0:
            raise _never_paid(email)
        if refund.amount > left:
            raise RefundRefusedError(
                f"${refund.amount:.2f} is more than this customer has paid and not got back: at most ${left:.2f} can "
                "be refunded. Nothing was refunded."
            )
        if terms.allowance is None:
            return
        of_today = refunds.c.customer_email == email, refunds.c.at > self._clock() - DAY
        given = from_micro(int(await connection.scalar(sa.select(_sum(refunds)).where(*of_today)) or 0))
        if given + refund.amount > terms.allowance:
            raise ConsentNeededError(f"${given:.2f} were refunded within the last 24 hours")

    async def _insert(self, connection: AsyncConnection, refund: NewRefund, email: str, key: str) -> Refund:
        """The number's lock makes customers wait for one another here only."""
        await alone(connection)
        last = await connection.scalar(sa.select(sa.func.max(refunds.c.number)))
        left = await _refundable(connection, email) - refund.amount
        values = {
            "number": (last or _FIRST_NUMBER - 1) + 1,
            "customer_email": email,
            "amount_micro": to_micro(refund.amount),
            "reason": refund.reason,
            "at": self._clock(),
            "conversation_id": refund.conversation_id,
            "key": key,
            "refundable_micro": to_micro(left),
        }
        row = (await connection.execute(sa.insert(refunds).values(values).returning(refunds))).one()
        return _refund(row)


async def _hold(connection: AsyncConnection, email: str) -> None:
    """One refund of a customer at a time, of all processes; on SQLite the writer's lock is taken before looking."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"refund:{email}".encode()).digest()[:8], signed=True)
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
    else:
        nothing = sa.update(refunds).where(sa.false()).values(key=refunds.c.key)
        await connection.execute(nothing)


async def _refundable(connection: AsyncConnection, email: str) -> Decimal:
    paid = sa.select(_sum(invoices)).where(invoices.c.customer_email == email, invoices.c.status == _PAID)
    back = sa.select(_sum(refunds)).where(refunds.c.customer_email == email)
    return from_micro(int(await connection.scalar(paid) or 0)) - from_micro(int(await connection.scalar(back) or 0))


def _sum(table: sa.Table) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(table.c.amount_micro), 0)


async def _first(connection: AsyncConnection, *where: sa.ColumnElement[bool]) -> Refund | None:
    row = (await connection.execute(sa.select(refunds).where(*where).order_by(refunds.c.number).limit(1))).first()
    return _refund(row) if row else None


def _refund(row: sa.Row[*tuple[Any, ...]]) -> Refund:
    return Refund(
        f"RF-{row.number}", row.customer_email, from_micro(row.amount_micro), row.reason, row.at, row.conversation_id,
        row.key, from_micro(row.refundable_micro),
    )  # fmt: skip


def _never_paid(email: str) -> RefundRefusedError:
    return RefundRefusedError(f"Nothing that could be refunded was paid by {email}. Nothing was refunded.")
