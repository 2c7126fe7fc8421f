"""The default back-ends over one database, and the sample company to try them with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncEngine

from tools.billing.books import Books, NoBooks, SqlBooks
from tools.customers.directory import Charge, CustomerDirectory, CustomerRecord, NoCustomers, SqlCustomers
from tools.database import create_tables
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.own import OwnKnowledge
from tools.knowledge_base.store import ArticleStore
from tools.knowledge_base.tool import KnowledgeBase
from tools.tickets.desk import SqlTickets, Ticket, TicketDesk

_HERE = Path(__file__).parent
SAMPLE_ARTICLES = _HERE / "knowledge_base" / "sample"
"""Folder of the sample company's help centre."""
_SAMPLE_CUSTOMERS = _HERE / "customers" / "sample.json"
_SAMPLE_TICKETS = _HERE / "tickets" / "sample.json"


@dataclass(frozen=True, slots=True)
class Backends:
    """What the tools work on."""

    knowledge: LocalKnowledge
    customers: SqlCustomers
    tickets: SqlTickets
    books: SqlBooks
    importer: Importer
    articles: ArticleStore

    def of_home(self, workspace: str) -> "Shelf":
        """For the operator's own workspace: everything but the tickets of others."""
        return Shelf(self.knowledge, self.customers, self.tickets.of(workspace, with_unplaced=True), self.books)

    def of_guest(self, workspace: str, *, trusted: bool) -> "Shelf":
        """For a workspace that installed the app: its own tickets, and its own articles if it has any.

        Unless it is trusted, it sees no customers, no money of theirs and no articles for staff: its admins, whom
        nobody here knows, choose who is staff and write what e-mail addresses its people have.
        """
        own = OwnKnowledge(LocalKnowledge(self.articles.of(workspace)), self.knowledge, trusted=trusted)
        tickets = self.tickets.of(workspace)
        if not trusted:
            return Shelf(own, NoCustomers(), tickets, NoBooks())
        return Shelf(own, self.customers, tickets, self.books)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the tools of one workspace work on."""

    knowledge: KnowledgeBase
    customers: CustomerDirectory
    tickets: TicketDesk
    books: Books


async def open_backends(
    engine: AsyncEngine, *, seed_sample: bool = False, clock: Callable[[], float] = time.time
) -> Backends:
    """Create missing tables, put in the sample company where nothing is yet (if asked), load the index.

    The engine stays the caller's. Raises ToolUnavailableError when the database does not answer.
    """
    await create_tables(engine)
    store = ArticleStore(engine, clock)
    importer = Importer(store)
    customers, tickets, books = SqlCustomers(engine), SqlTickets(engine, clock), SqlBooks(engine, clock)
    if seed_sample:
        await _seed(customers, tickets, books)
        if await store.revision() == 0:
            await importer.import_folder(SAMPLE_ARTICLES)
    knowledge = LocalKnowledge(store)
    await knowledge.refresh()
    return Backends(knowledge, customers, tickets, books, importer, store)


async def _seed(customers: SqlCustomers, tickets: SqlTickets, books: SqlBooks) -> None:
    known = [customer.record() for customer in _CUSTOMERS.validate_json(_SAMPLE_CUSTOMERS.read_bytes())]
    if await customers.is_empty():
        await customers.seed(known)
    if await books.is_empty():
        await books.seed(known)
    if await tickets.is_empty():
        await tickets.seed(t.ticket() for t in _TICKETS.validate_json(_SAMPLE_TICKETS.read_bytes()))


class _SampleCharge(BaseModel):
    date: str
    description: str
    amount_usd: Decimal
    status: str
    invoice: str

    def charge(self) -> Charge:
        return Charge(self.date, self.description, self.amount_usd, self.status, self.invoice)


class _SampleCustomer(BaseModel):
    email: str
    name: str
    company: str
    plan: str
    status: str
    seats: int
    since: str
    renews_on: str | None
    mrr_usd: Decimal
    notes: str
    billing_history: tuple[_SampleCharge, ...]

    def record(self) -> CustomerRecord:
        history = tuple(line.charge() for line in self.billing_history)
        return CustomerRecord(
            self.email, self.name, self.company, self.plan, self.status, self.seats, self.since, self.renews_on,
            self.mrr_usd, self.notes, history,
        )  # fmt: skip


class _SampleTicket(BaseModel):
    id: str
    customer_email: str
    subject: str
    body: str
    priority: str
    category: str
    status: str
    created_at: datetime

    def ticket(self) -> Ticket:
        return Ticket(
            self.id, self.customer_email, self.subject, self.body, self.priority, self.category, self.status,
            self.created_at.timestamp(), conversation_id="", key=f"sample:{self.id}",
        )  # fmt: skip


_CUSTOMERS = TypeAdapter(tuple[_SampleCustomer, ...])
_TICKETS = TypeAdapter(tuple[_SampleTicket, ...])
