"""All tools there are. A new tool is a file of its own and a line here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.base import AnyTool, Arguments
from tools.billing.books import Books, NoBooks
from tools.billing.tool import IssueRefund, RefundArguments
from tools.budget import BudgetArguments, LimitOwnBudget, RunBudget
from tools.customers.directory import CustomerDirectory, NoCustomers
from tools.customers.tool import LookupArguments, LookupCustomer
from tools.escalation import EscalateArguments, EscalateToHuman, EscalationDesk
from tools.guards import Guards
from tools.knowledge_base.tool import Gaps, KnowledgeBase, SearchArguments, SearchKnowledgeBase
from tools.resilience import Guard
from tools.tickets.desk import SqlTickets, TicketDesk
from tools.tickets.tool import CreateTicket, TicketArguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """What the tools of one workspace work on."""

    knowledge: KnowledgeBase
    customers: CustomerDirectory
    tickets: TicketDesk
    books: Books
    escalations: EscalationDesk
    own_budget: RunBudget
    gaps: Gaps | None = None
    """Remembers what was asked and not found."""
    guards: Guards = field(default_factory=Guards)
    """Of the whole process, so that one back-end has one breaker, whoever asks it."""

    def directory_guard(self) -> Guard:
        """That of the customers; where there are none, one that says nothing about those of others."""
        return self.guards.of("customers" if not isinstance(self.customers, NoCustomers) else "no_customers")

    def books_guard(self) -> Guard:
        """That of the books, likewise."""
        return self.guards.of("billing" if not isinstance(self.books, NoBooks) else "no_billing")

    def tickets_guard(self) -> Guard:
        """That of the tickets; where ours stand beside another company's, one of their own."""
        is_beside = isinstance(self.tickets, SqlTickets) and self.tickets.is_beside
        return self.guards.of("own_tickets" if is_beside else "tickets")


@dataclass(frozen=True, slots=True)
class Entry:
    """A tool before there are back-ends."""

    name: str
    arguments: type[Arguments]
    make: Callable[[Backing], AnyTool]


def _search(on: Backing) -> AnyTool:
    return SearchKnowledgeBase(on.knowledge, on.guards.of("knowledge_base"), on.gaps).tool()


def _lookup(on: Backing) -> AnyTool:
    return LookupCustomer(
        on.customers,
        on.tickets,
        on.books,
        directory_guard=on.directory_guard(),
        tickets_guard=on.tickets_guard(),
        books_guard=on.books_guard(),
    ).tool()


ENTRIES: tuple[Entry, ...] = (
    Entry("search_knowledge_base", SearchArguments, _search),
    Entry("lookup_customer", LookupArguments, _lookup),
    Entry("create_ticket", TicketArguments, lambda on: CreateTicket(on.tickets, on.tickets_guard()).tool()),
    Entry("issue_refund", RefundArguments, lambda on: IssueRefund(on.books, on.books_guard()).tool()),
    Entry(
        "escalate_to_human",
        EscalateArguments,
        lambda on: EscalateToHuman(on.escalations, on.guards.of("escalations")).tool(),
    ),
    Entry("limit_own_budget", BudgetArguments, lambda on: LimitOwnBudget(on.own_budget).tool()),
)
"""In the order in which the model sees them."""

ARGUMENTS: Mapping[str, type[Arguments]] = {entry.name: entry.arguments for entry in ENTRIES}
"""Names and arguments, for whoever speaks of tools before there are back-ends."""


def build_catalogue(backing: Backing, entries: Sequence[Entry] = ENTRIES) -> tuple[AnyTool, ...]:
    """The tools over these back-ends."""
    return tuple(entry.make(backing) for entry in entries)
