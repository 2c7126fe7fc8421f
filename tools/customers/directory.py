"""The customer directory: what is known of a customer, and the default directory in the bot's own database."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.money import from_micro, to_micro
from tools.database import alone, metadata, transact
from tools.ownership import canonical


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of the billing history."""

    date: str
    """ISO date."""
    description: str
    amount: Decimal
    """In `currency`, as people write it: 12.50 dollars, 1250 yen."""
    status: str
    """paid | open | failed | refunded; other systems may have words of their own."""
    invoice: str
    currency: str = "USD"
    """ISO code; other systems may have a sign of their own."""


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """What we know of a customer; what is not known is empty or None."""

    email: str
    name: str
    company: str
    plan: str
    status: str
    """active | trial | past_due | cancelled; other systems may have words of their own."""
    seats: int | None
    since: str
    """ISO date."""
    renews_on: str | None
    """ISO date; None when nothing renews."""
    monthly: Decimal | None
    """A month at present, in `currency`."""
    notes: str
    """Written by staff, for staff."""
    billing_history: tuple[Charge, ...]
    """Newest first."""
    currency: str = "USD"
    """ISO code of `monthly`."""


class CustomerDirectory(Protocol):
    """Where customers are known. Raises ToolUnavailableError while it does not answer."""

    async def find(self, email: str) -> CustomerRecord | None:
        """The customer with exactly this address, letter case aside."""
        ...


customers = sa.Table(
    "customers",
    metadata,
    sa.Column("email", sa.Text, primary_key=True, comment="canonical"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("company", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("seats", sa.Integer, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
    sa.Column("renews_on", sa.Text),
    sa.Column("monthly_micro", sa.BigInteger, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
)
charges = sa.Table(
    "customer_charges",
    metadata,
    sa.Column("invoice", sa.Text, primary_key=True),
    sa.Column("email", sa.Text, sa.ForeignKey(customers.c.email, ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("date", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("amount_micro", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
)


class NoCustomers:
    """The directory of a workspace that has none: whoever asks learns that nobody is registered."""

    async def find(self, email: str) -> CustomerRecord | None:  # noqa: ARG002 - nobody is known
        return None


class SqlCustomers:
    """Customers in tables of ours."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, email: str) -> CustomerRecord | None:
        key = canonical(email)

        async def read(connection: AsyncConnection) -> CustomerRecord | None:
            row = (await connection.execute(sa.select(customers).where(customers.c.email == key))).one_or_none()
            if row is None:
                return None
            newest_first = charges.c.date.desc(), charges.c.invoice.desc()
            history = await connection.execute(sa.select(charges).where(charges.c.email == key).order_by(*newest_first))
            return CustomerRecord(
                row.email, row.name, row.company, row.plan, row.status, row.seats, row.since, row.renews_on,
                from_micro(row.monthly_micro), row.notes, tuple(_charge(line) for line in history),
            )  # fmt: skip

        return await transact(self._engine, read)

    async def is_empty(self) -> bool:
        """True before the first customer."""
        query = sa.select(sa.func.count()).select_from(customers)
        return (await transact(self._engine, lambda connection: connection.scalar(query))) == 0

    async def seed(self, records: Iterable[CustomerRecord]) -> None:
        """Put in these customers while there are none."""
        known = list(records)

        async def write(connection: AsyncConnection) -> None:
            await alone(connection)
            if await connection.scalar(sa.select(customers.c.email).limit(1)) is not None:
                return
            await connection.execute(sa.insert(customers), [_customer_row(record) for record in known])
            lines = [_charge_row(record.email, line) for record in known for line in record.billing_history]
            if lines:
                await connection.execute(sa.insert(charges), lines)

        if known:
            await transact(self._engine, write)


def _charge(row: sa.Row[*tuple[Any, ...]]) -> Charge:
    return Charge(row.date, row.description, from_micro(row.amount_micro), row.status, row.invoice)


def _customer_row(record: CustomerRecord) -> dict[str, object]:
    return {
        "email": canonical(record.email),
        "name": record.name,
        "company": record.company,
        "plan": record.plan,
        "status": record.status,
        "seats": record.seats or 0,
        "since": record.since,
        "renews_on": record.renews_on,
        "monthly_micro": to_micro(record.monthly or Decimal(0)),
        "notes": record.notes,
    }


def _charge_row(email: str, line: Charge) -> dict[str, object]:
    return {
        "invoice": line.invoice,
        "email": canonical(email),
        "date": line.date,
        "description": line.description,
        "amount_micro": to_micro(line.amount),
        "status": line.status,
    }
