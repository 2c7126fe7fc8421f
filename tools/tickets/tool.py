"""create_ticket: have something done or tracked by people."""

from typing import Annotated

from pydantic import AfterValidator, Field

from tools.base import Arguments, Tool, ToolContext, ToolOutput
from tools.ownership import permitted_email
from tools.resilience import Guard
from tools.tickets.desk import NewTicket, Priority, Ticket, TicketCategory, TicketDesk

_DESCRIPTION = (
    "Open ONE ticket for something that people must do or track and that you cannot do yourself. Not for questions an "
    "article answers, and not in place of escalate_to_human when the person asks for a human. Returns the ticket's "
    "number; tell it to the customer. Opening a ticket does not mean that anybody has read it or acted."
)
_SORRY = (
    "The ticket system does not answer right now. It is not known whether a ticket was opened, so do not say that one "
    "was. Tell the customer honestly, and call escalate_to_human if the matter cannot wait."
)

_EXAMPLE = (
    '{"customer_email": "ana@cobalt-studio.example", "subject": "Export stops at 40 %", "body": "Since Monday every '
    'export ends at 40 % with error E-512.", "priority": "high", "category": "technical"}'
)


def _in_one_line(subject: str) -> str:
    """Ticket systems refuse a subject of several lines."""
    return " ".join(subject.split())


class TicketArguments(Arguments):
    """A ticket to open."""

    customer_email: Annotated[str, Field(max_length=320, description="The customer's verified e-mail address.")]
    subject: Annotated[
        str,
        Field(min_length=3, max_length=150, description="The matter in one line, 3 to 150 characters."),
        AfterValidator(_in_one_line),
    ]
    body: Annotated[
        str,
        Field(
            min_length=10,
            max_length=5000,
            description="What happened, what is wanted, what was tried; exact numbers, dates and error codes. "
            "10 to 5000 characters.",
        ),
    ]
    priority: Annotated[
        Priority,
        Field(description="urgent: outage or data loss; high: work is blocked; medium: annoying; low: a wish."),
    ]
    category: Annotated[TicketCategory, Field(description="What the matter is about.")]


class CreateTicket:
    """The tool's work."""

    def __init__(self, desk: TicketDesk, guard: Guard) -> None:
        self._desk = desk
        self._guard = guard

    def tool(self) -> Tool[TicketArguments]:
        """As the catalogue lists it."""
        return Tool(
            "create_ticket", _DESCRIPTION, TicketArguments, self.run, "Opening a ticket", self.prepare,
            safe_to_repeat=True, examples=(_EXAMPLE,),
        )  # fmt: skip

    async def prepare(self, arguments: TicketArguments, context: ToolContext) -> TicketArguments:
        """Whose ticket it is; nobody is asked about one that cannot be opened."""
        email = permitted_email(arguments.customer_email, context.principal)
        return arguments.model_copy(update={"customer_email": email})

    async def run(self, arguments: TicketArguments, context: ToolContext) -> ToolOutput:
        """Open the ticket, or find the one that was opened before."""
        wanted = NewTicket(
            permitted_email(arguments.customer_email, context.principal),
            arguments.subject,
            arguments.body,
            arguments.priority,
            arguments.category,
            context.conversation_id,
        )
        ticket = await self._guard.call(lambda: self._desk.open(wanted, context.key), context, sorry=_SORRY)
        return ToolOutput(_told(ticket, opened=ticket.key == context.key), note=ticket.id)


def _told(ticket: Ticket, *, opened: bool) -> str:
    if opened:
        return f"Ticket {ticket.id} opened, priority {ticket.priority}. No one has looked at it yet."
    return (
        f"Ticket {ticket.id} with this subject is already open in this conversation, priority {ticket.priority}. "
        "No second one was opened and nothing was added to it."
    )
