"""The desk as Slack's listeners and the dispatcher see it: takes events in, answers what must be answered at once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.desk.budget_words import Switch
from bot.desk.cases import Cases
from bot.desk.intake import Intake
from bot.desk.last_words import LastWords
from bot.desk.people import People
from bot.desk.rooms import Rooms
from bot.desk.unsent import UnsentWords
from bot.domain.effects import Outgoing
from bot.domain.escalation import CardView
from bot.domain.incoming import (
    Incoming,
    ProposalEdited,
)
from bot.domain.reports import (
    Asker,
    BudgetCommand,
    BudgetReply,
    BudgetReport,
    FilledIn,
    FormAnswer,
    HomePage,
    TraceReport,
)
from bot.domain.revision import Problem, Sheet
from bot.ports.insight import Invitations
from bot.ports.store import Store

logger = logging.getLogger(__name__)

Guard = Callable[[], None]
"""Raises TransientError while no event may be taken in."""


def welcome() -> None:
    """Every event may come in."""


@dataclass(frozen=True)
class Desk:
    """Everything Slack's listeners and the dispatcher need."""

    store: Store
    people: People
    intake: Intake
    rooms: Rooms
    cases: Cases
    words: UnsentWords
    farewell: LastWords
    guard: Guard = welcome
    links: Invitations | None = None
    """To the dashboard."""

    async def accept(self, incoming: Incoming) -> bool:
        """Store an event before it is acknowledged; False when there is nothing (more) to do about it."""
        self.guard()
        return await self.intake.accept(incoming)

    async def handle(self, inbox_id: str) -> None:
        """Handle one stored cause; safe to repeat, resumes where an earlier attempt broke off."""
        await self.rooms.handle(inbox_id)

    async def may_decide(self, team_id: str, user_id: str) -> str | None:
        """None when the user (of this workspace) may act on cases, else the sentence that says why not."""
        return await self.people.why_not_staff(team_id, user_id)

    async def case(self, escalation_id: str) -> CardView | None:
        """The case as it is now; None when there is none."""
        try:
            return await self.cases.view(escalation_id)
        except KeyError:
            return None

    async def edit_sheet(self, escalation_id: str) -> Sheet | None:
        """What the form for changing a case's proposal shows; None when there is no such case."""
        try:
            return await self.rooms.revisions.sheet(escalation_id)
        except KeyError:
            return None

    async def edit_problem(self, edit: ProposalEdited) -> Problem | None:
        """Why a form cannot be taken as it was sent; None when it can."""
        return await self.rooms.revisions.problem(edit)

    async def card(self, escalation_id: str) -> CardView:
        """The view a card is drawn from; KeyError when there is no such case."""
        return await self.cases.view(escalation_id)

    async def trace_of(self, subject: str) -> TraceReport | None:
        """The record of a conversation, named by its own id or by that of one of its cases."""
        async with self.store.read() as tx:
            case = await tx.escalations.get(subject)
        return await self.rooms.budgets.trace_of(case.conversation_id if case else subject)

    async def budget_command(self, command: BudgetCommand) -> BudgetReply:
        """Carry out `/agent-budget`; who may see everything gets a link to the dashboard with the report."""
        reply = await self.rooms.budgets.command(command)
        if isinstance(reply, BudgetReport):
            return replace(reply, dashboard=await self._link(command.asker))
        return reply

    async def _link(self, asker: Asker) -> str:
        if self.links is None or not await self.rooms.budgets.sees_all(asker):
            return ""
        return await self.links.offer(asker.team_id, asker.user_id)

    def may_change_budgets(self, asker: Asker) -> bool:
        """Whether somebody may set limits and pause the bot."""
        return self.rooms.budgets.may_change(asker)

    async def limit_form(self, form: FilledIn) -> FormAnswer:
        """Set the limit that a form asks for."""
        return await self.rooms.budgets.limit_form(form)

    async def pause_form(self, form: FilledIn) -> FormAnswer:
        """Pause the bot as a form asks for."""
        return await self.rooms.budgets.pause_form(form)

    async def resume(self, team_id: str, channel_id: str, asker: Asker) -> str:
        """Let the bot go on, everywhere (empty) or in a channel; the sentence that says what is now."""
        return await self.rooms.budgets.switch(Switch(pauses=False, channel_id=channel_id), team_id, asker)

    async def home(self, team_id: str, user_id: str) -> HomePage:
        """What somebody's Home tab shows."""
        return await self.rooms.budgets.home(team_id, user_id)

    async def last_words(self, inbox_id: str) -> None:
        """Told by the dispatcher which cause was given up: tell whoever waits for it, and park it."""
        await self.farewell.say(inbox_id)

    async def unsent(self, outgoing: Outgoing, why: str) -> None:
        """Told by the outbox what will never be delivered."""
        await self.words.handle(outgoing, why)

    async def redraw_cards(self) -> None:
        """After a start, let every live card show its row."""
        await self.rooms.calls.withdraw_outdated()
        await self.cases.redraw_all()
