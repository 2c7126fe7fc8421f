"""What Slack's listeners need of the desk."""

from typing import Protocol

from bot.domain.escalation import CardView
from bot.domain.incoming import Incoming
from bot.domain.reports import BudgetCommand, BudgetReply, TraceReport


class Desk(Protocol):
    """Takes what came from Slack and answers what must be answered at once."""

    async def accept(self, incoming: Incoming) -> bool:
        """Store it; False when it (or its twin) is there already. Raises when it could not be stored."""
        ...

    async def may_decide(self, team_id: str, user_id: str) -> str | None:
        """None when this person may act on cases, else a sentence that tells why not."""
        ...

    async def case(self, escalation_id: str) -> CardView | None:
        """The case as it is now."""
        ...

    async def trace_of(self, subject: str) -> TraceReport | None:
        """The record of a conversation, named by its own id or by the id of one of its escalations."""
        ...

    async def budget_command(self, command: BudgetCommand) -> BudgetReply:
        """Carry out `/agent-budget` and tell the result."""
        ...
