"""All tools there are. A new tool is a new line here."""

from tools.base import AnyTool
from tools.customers.directory import CustomerDirectory
from tools.customers.tool import LookupCustomer
from tools.escalation import EscalateToHuman, EscalationDesk
from tools.knowledge_base.tool import KnowledgeBase, SearchKnowledgeBase
from tools.resilience import SYSTEM, Guard, Instruments
from tools.tickets.desk import TicketDesk
from tools.tickets.tool import CreateTicket


def build_catalogue(
    *,
    knowledge: KnowledgeBase,
    customers: CustomerDirectory,
    tickets: TicketDesk,
    escalations: EscalationDesk,
    instruments: Instruments = SYSTEM,
) -> tuple[AnyTool, ...]:
    """The tools over these back-ends; each back-end has one guard, and with it one circuit breaker."""
    tickets_guard = Guard("tickets", instruments)
    return (
        SearchKnowledgeBase(knowledge, Guard("knowledge_base", instruments)).tool(),
        LookupCustomer(
            customers, tickets, directory_guard=Guard("customers", instruments), tickets_guard=tickets_guard
        ).tool(),
        CreateTicket(tickets, tickets_guard).tool(),
        EscalateToHuman(escalations, Guard("escalations", instruments)).tool(),
    )
