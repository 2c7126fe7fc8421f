"""The default back-ends over one database, and the sample company to try them with."""

import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncEngine

import tools.mcp.once
import tools.mcp.pins  # noqa: F401 - their tables are made with the others
from tools.base import AnyTool
from tools.billing.books import Books, NoBooks, SqlBooks
from tools.billing.elsewhere import BooksElsewhere
from tools.connector_settings import Wires
from tools.connectors import NO_CONNECTORS, Connectors
from tools.customers.directory import Charge, CustomerDirectory, CustomerRecord, NoCustomers, SqlCustomers
from tools.database import create_tables
from tools.knowledge_base.articles import read_article
from tools.knowledge_base.builds import Builds
from tools.knowledge_base.embedder import Embedder
from tools.knowledge_base.gaps import GapBook
from tools.knowledge_base.hosts import ArticleHosts
from tools.knowledge_base.importer import Importer
from tools.knowledge_base.local import LocalKnowledge
from tools.knowledge_base.own import OwnKnowledge
from tools.knowledge_base.reranking import Reranked
from tools.knowledge_base.scale.growing import Scale
from tools.knowledge_base.scale.opening import open_knowledge
from tools.knowledge_base.sources.markdown import MarkdownFolder
from tools.knowledge_base.store import SAMPLE, ArticleStore
from tools.knowledge_base.tool import KnowledgeBase
from tools.knowledge_base.writing import Writing
from tools.tickets.desk import SqlTickets, Ticket, TicketDesk, TicketHouse
from tools.tickets.outside import Around, OutsideTickets

_HERE = Path(__file__).parent
SAMPLE_ARTICLES = _HERE / "knowledge_base" / "sample"
"""Folder of the sample company's help centre."""
_SAMPLE_CUSTOMERS = _HERE / "customers" / "sample.json"
_SAMPLE_TICKETS = _HERE / "tickets" / "sample.json"


@dataclass(frozen=True, slots=True)
class Backends:
    """What the tools work on."""

    knowledge: LocalKnowledge
    customers: CustomerDirectory
    tickets: TicketHouse
    own_tickets: TicketHouse
    """Our own table, for workspaces whose tickets must not reach another company's system."""
    books: Books
    importer: Importer
    articles: ArticleStore
    gaps: GapBook
    embedder: Embedder | None
    """None: articles are found by their words alone."""
    builds: Builds
    """Of all indexes; to be closed before the engine is."""
    scale: Scale | None = None
    """From where on articles are too many for an index in memory; None: never."""
    reranked: Reranked | None = None
    """Orders what a search found; None: it stays as it was found."""

    def of_home(self, workspace: str) -> "Shelf":
        """For the operator's own workspace: everything but the tickets of others."""
        tickets = self.tickets.of(workspace, with_unplaced=True)
        writing = Writing(Importer(self.articles, self.embedder), self.knowledge)
        hosts = ArticleHosts(self.articles)
        return Shelf(self.knowledge, self.customers, tickets, self.books, writing, hosts=hosts)

    def of_guest(self, workspace: str, *, trusted: bool) -> "Shelf":
        """For a workspace that installed the app: its own tickets, and its own articles if it has any.

        Unless it is trusted, it sees no customers, no money of theirs and no articles for staff: its admins, whom
        nobody here knows, choose who is staff and write what e-mail addresses its people have. For the same reason its
        tickets stay in our own table: another company's system would write to those addresses in the operator's name.
        """
        articles = self.articles.of(workspace)
        mine = open_knowledge(articles, self.embedder, self.builds, self.scale, self.reranked)
        writing = Writing(Importer(articles, self.embedder), mine)
        own = OwnKnowledge(mine, self.knowledge, trusted=trusted)
        tickets = (self.tickets if trusted else self.own_tickets).of(workspace)
        hosts = ArticleHosts(articles, self.articles)
        if not trusted:
            return Shelf(own, NoCustomers(), tickets, NoBooks(), writing, hosts=hosts)
        return Shelf(own, self.customers, tickets, self.books, writing, hosts=hosts)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the tools of one workspace work on."""

    knowledge: KnowledgeBase
    customers: CustomerDirectory
    tickets: TicketDesk
    books: Books
    writing: Writing
    """Of the workspace's own articles."""
    coming: MutableMapping[str, AnyTool] = field(default_factory=dict)
    """Tools of MCP servers, by name; they come and go."""
    hosts: ArticleHosts | None = None
    """Where the articles lie; None: nowhere."""


async def open_backends(  # noqa: PLR0913 - the composition root names them
    engine: AsyncEngine,
    *,
    seed_sample: bool = False,
    clock: Callable[[], float] = time.time,
    embedder: Embedder | None = None,
    connectors: Connectors = NO_CONNECTORS,
    wires: Wires | None = None,
    scale: Scale | None = None,
    reranked: Reranked | None = None,
) -> Backends:
    """Create missing tables, put in the sample company where nothing is yet (if asked), load the index.

    What is imported here is not embedded yet, so that a start takes no minutes: `Importer.catch_up` does that.

    `connectors` (which need `wires`) stand in for what this database would hold; the sample company's customers,
    money and tickets are left out then, because they are nobody's there.

    The engine stays the caller's. Raises ToolUnavailableError when the database does not answer.
    """
    await create_tables(engine)
    store = ArticleStore(engine, clock)
    await store.tell_sample(_sample_digests)
    importer = Importer(store)
    customers, books = SqlCustomers(engine), SqlBooks(engine, clock)
    tickets = SqlTickets(engine, clock, is_beside=connectors.tickets is not None)
    if seed_sample:
        await _seed(None if connectors.customers else customers, None if connectors.tickets else tickets, books)
        if await store.revision() == 0:
            await importer.run(MarkdownFolder(SAMPLE_ARTICLES, name=SAMPLE))
    builds = Builds()
    knowledge = open_knowledge(store, embedder, builds, scale, reranked)
    await knowledge.refresh()
    directory = connectors.customers.open(wires) if connectors.customers and wires else customers
    house = (
        OutsideTickets.on(engine, connectors.tickets.open(wires), Around(clock))
        if connectors.tickets and wires
        else tickets
    )
    money = BooksElsewhere() if connectors.customers else books
    gaps = GapBook(engine, clock)
    return Backends(
        knowledge, directory, house, tickets, money, importer, store, gaps, embedder, builds, scale, reranked
    )


def _sample_digests() -> list[str]:
    return [read_article(path, path.stem).digest for path in SAMPLE_ARTICLES.glob("*.md")]


async def _seed(customers: SqlCustomers | None, tickets: SqlTickets | None, books: SqlBooks) -> None:
    known = sample_customers()
    if customers and await customers.is_empty():
        await customers.seed(known)
    if customers and await books.is_empty():
        await books.seed(known)
    if tickets and await tickets.is_empty():
        await tickets.seed(sample_tickets())


def sample_customers(more: Sequence[Mapping[str, object]] = ()) -> list[CustomerRecord]:
    """The sample company's customers, and more of the form of `customers/sample.json`; ValidationError."""
    own = _CUSTOMERS.validate_json(_SAMPLE_CUSTOMERS.read_bytes())
    return [one.record() for one in (*own, *_CUSTOMERS.validate_python(tuple(more), strict=False))]


def sample_tickets(more: Sequence[Mapping[str, object]] = ()) -> list[Ticket]:
    """Its tickets, and more of the form of `tickets/sample.json`; ValidationError."""
    own = _TICKETS.validate_json(_SAMPLE_TICKETS.read_bytes())
    return [one.ticket() for one in (*own, *_TICKETS.validate_python(tuple(more), strict=False))]


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
