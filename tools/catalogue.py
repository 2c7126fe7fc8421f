"""All tools there are. A new tool is a new line in each of the two lists here."""

from collections.abc import Mapping

from tools.base import AnyTool, Arguments
from tools.billing.books import Books
from tools.billing.tool import IssueRefund, RefundArguments
from tools.budget import BudgetArguments, LimitOwnBudget, RunBudget
from tools.customers.directory import CustomerDirectory
from tools.customers.tool import LookupArguments, LookupCustomer
from tools.escalation import EscalateArguments, EscalateToHuman, EscalationDesk
from tools.knowledge_base.tool import KnowledgeBase, SearchArguments, SearchKnowledgeBase
from tools.resilience import SYSTEM, Guard, Instruments
from tools.tickets.desk import TicketDesk
from tools.tickets.tool import CreateTicket, TicketArguments

ARGUMENTS: Mapping[str, type[Arguments]] = {
    "search_knowledge_base": SearchArguments,
    "lookup_customer": LookupArguments,
    "create_ticket": TicketArguments,
    "issue_refund": RefundArguments,
    "escalate_to_human": EscalateArguments,
    "limit_own_budget": BudgetArguments,
}
"""Names and arguments, for whoever speaks of tools before there are back-ends."""


def build_catalogue(
    *,
    knowledge: KnowledgeBase,
    customers: CustomerDirectory,
    tickets: TicketDesk,
    books: Books,
    escalations: EscalationDesk,
    own_budget: RunBudget,
    instruments: Instruments = SYSTEM,
) -> tuple[AnyTool, ...]:
    """The tools over these back-ends; each back-end has one guard, and with it one circuit breaker."""
    tickets_guard, books_guard = Guard("tickets", instruments), Guard("billing", instruments)
    return (
        SearchKnowledgeBase(knowledge, Guard("knowledge_base", instruments)).tool(),
        LookupCustomer(
            customers,
            tickets,
            books,
            directory_guard=Guard("customers", instruments),
            tickets_guard=tickets_guard,
            books_guard=books_guard,
        ).tool(),
        CreateTicket(tickets, tickets_guard).tool(),
        IssueRefund(books, books_guard).tool(),
        EscalateToHuman(escalations, Guard("escalations", instruments)).tool(),
        LimitOwnBudget(own_budget).tool(),
    )
