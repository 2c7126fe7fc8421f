"""What Slack's listeners need of the desk."""

from typing import Protocol

from bot.domain.escalation import CardView
from bot.domain.incoming import Incoming, ProposalEdited
from bot.domain.reports import Asker, BudgetCommand, BudgetReply, FilledIn, FormAnswer, TraceReport
from bot.domain.revision import Problem, Sheet


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

    async def edit_sheet(self, escalation_id: str) -> Sheet | None:
        """What the form for changing a case's proposal shows; None when there is no such case."""
        ...

    async def edit_problem(self, edit: ProposalEdited) -> Problem | None:
        """Why a form cannot be taken as it was sent; None when it can."""
        ...

    async def trace_of(self, subject: str) -> TraceReport | None:
        """The record of a conversation, named by its own id or by the id of one of its escalations."""
        ...

    async def budget_command(self, command: BudgetCommand) -> BudgetReply:
        """Carry out `/agent-budget` and tell the result."""
        ...

    def may_change_budgets(self, asker: Asker) -> bool:
        """Whether this person may set limits and pause the bot."""
        ...

    async def limit_form(self, form: FilledIn) -> FormAnswer:
        """Set the limit a form asks for, or say what is wrong beside its fields."""
        ...

    async def pause_form(self, form: FilledIn) -> FormAnswer:
        """Pause the bot as a form asks for, or say what is wrong."""
        ...

    async def resume(self, team_id: str, channel_id: str, asker: Asker) -> str:
        """Let the bot go on (everywhere with an empty channel); the sentence that says what is now."""
        ...
