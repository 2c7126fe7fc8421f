"""The desk: takes events in, handles them under their lease, answers what must be answered at once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import prompts
from bot.desk.budgets import BudgetDesk
from bot.desk.cases import Cases
from bot.desk.decisions import Decisions
from bot.desk.intake import Intake
from bot.desk.last_words import LastWords
from bot.desk.people import People
from bot.desk.staffroom import StaffRoomTalk
from bot.desk.turns import Turns
from bot.desk.unsent import UnsentWords
from bot.domain.effects import Outgoing, Place, SuggestPrompts
from bot.domain.errors import FencedError
from bot.domain.escalation import CardView
from bot.domain.incoming import CarryOn, DecisionMade, FeedbackGiven, Incoming, MessageReceived, MessagesTabOpened
from bot.domain.reports import BudgetCommand, BudgetReply, TraceReport
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Queued, Store

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 6
"""A cause that failed so often is ended honestly, without trying its work again. A turn that is taken up after a fault
counts twice, as failed and as broken off; the dispatcher's own limit must be at least three higher."""

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
    turns: Turns
    cases: Cases
    decisions: Decisions
    talk: StaffRoomTalk
    budgets: BudgetDesk
    words: UnsentWords
    farewell: LastWords
    clock: Clock
    guard: Guard = welcome

    async def accept(self, incoming: Incoming) -> bool:
        """Store an event before it is acknowledged; False when there is nothing (more) to do about it."""
        self.guard()
        return await self.intake.accept(incoming)

    async def handle(self, inbox_id: str) -> None:
        """Handle one stored cause; safe to repeat, resumes where an earlier attempt broke off."""
        async with self.store.read() as tx:
            queued = await tx.inbox.get(inbox_id)
        if queued is None or (queued.handled and queued.conversation_id is None):
            return
        try:
            await self._handle(queued, gave_up=queued.attempts > MOST_ATTEMPTS and not queued.handled)
        except* FencedError:
            logger.warning("run.fenced", extra={"fields": {"cause": inbox_id}})

    async def _handle(self, queued: Queued, *, gave_up: bool) -> None:
        match queued.incoming:
            case MessageReceived() as message if queued.conversation_id is None:
                await self.talk.handle(queued, message)
            case MessageReceived() | CarryOn():  # also when it is handled: it may have to take others along
                await self._take_turns(queued, queued.conversation_id or "", gave_up=gave_up)
            case DecisionMade() as press:
                await self.decisions.decide(queued.id, press)
            case FeedbackGiven() as feedback:
                await self._feedback(queued, feedback)
            case MessagesTabOpened() as opened:
                await self._welcome(queued, opened)
            case _:
                logger.error("cause.unexpected", extra={"fields": {"kind": queued.incoming.kind}})

    async def _take_turns(self, queued: Queued, conversation_id: str, *, gave_up: bool) -> None:
        if gave_up:
            logger.error("turn.parked", extra={"fields": {"conversation": conversation_id}})
            if await self.turns.give_up(conversation_id):
                async with self.store.write() as tx:
                    await tx.inbox.park([queued.id])
        await self.turns.take_all(conversation_id)

    async def may_decide(self, team_id: str, user_id: str) -> str | None:  # noqa: ARG002 — one workspace so far
        """None when the user may act on cases, else the sentence that says why not."""
        return await self.people.why_not_staff(user_id)

    async def case(self, escalation_id: str) -> CardView | None:
        """The case as it is now; None when there is none."""
        try:
            return await self.cases.view(escalation_id)
        except KeyError:
            return None

    async def card(self, escalation_id: str) -> CardView:
        """The view a card is drawn from; KeyError when there is no such case."""
        return await self.cases.view(escalation_id)

    async def trace_of(self, subject: str) -> TraceReport | None:
        """The record of a conversation, named by its own id or by that of one of its cases."""
        async with self.store.read() as tx:
            case = await tx.escalations.get(subject)
        return await self.budgets.trace_of(case.conversation_id if case else subject)

    async def budget_command(self, command: BudgetCommand) -> BudgetReply:
        """Carry out `/agent-budget`."""
        return await self.budgets.command(command)

    async def last_words(self, inbox_id: str) -> None:
        """Told by the dispatcher which cause was given up: tell whoever waits for it, and park it."""
        await self.farewell.say(inbox_id)

    async def unsent(self, outgoing: Outgoing, why: str) -> None:
        """Told by the outbox what will never be delivered."""
        await self.words.handle(outgoing, why)

    async def redraw_cards(self) -> None:
        """After a start, let every live card show its row."""
        await self.cases.redraw_all()

    async def _feedback(self, queued: Queued, feedback: FeedbackGiven) -> None:
        async with self.store.write() as tx:
            run = await tx.runs.get(feedback.run_id)
            if run is not None:
                name = "thumbs_up" if feedback.positive else "thumbs_down"
                event = TraceEvent(run.conversation_id, run.id, 0, Action.DECISION, name, self.clock())
                await tx.traces.add(event)
            await tx.inbox.mark_handled([queued.id])

    async def _welcome(self, queued: Queued, opened: MessagesTabOpened) -> None:
        place = Place(opened.team_id, opened.channel_id)
        effect = SuggestPrompts(place, prompts.sentences()["prompts_title"], prompts.suggested())
        async with self.store.write() as tx:
            await tx.outbox.add(
                Outgoing(f"prompts:{queued.id}", effect, f"prompts:{place.team_id}:{opened.channel_id}")
            )
            await tx.inbox.mark_handled([queued.id])
