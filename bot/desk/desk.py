"""The desk: takes events in, handles them under their lease, answers what must be answered at once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import prompts
from bot.desk.allowing import ANSWERS, Allowing
from bot.desk.approved_calls import ApprovedCalls
from bot.desk.budget_words import Switch
from bot.desk.cases import Cases
from bot.desk.commands import Budget, parse_command
from bot.desk.decisions import Decisions
from bot.desk.expiry import Expiry
from bot.desk.intake import Intake
from bot.desk.last_words import LastWords
from bot.desk.money_desk import BudgetDesk, show_home
from bot.desk.people import People
from bot.desk.questions import Questions
from bot.desk.rating import Ratings
from bot.desk.relay import RelayRoom
from bot.desk.revisions import Revisions
from bot.desk.staffroom import StaffRoomTalk
from bot.desk.stepping_in import SteppingIn
from bot.desk.stopping import Stopping
from bot.desk.turns import Turns
from bot.desk.unsent import UnsentWords
from bot.desk.waiting import Waiting
from bot.domain.case_due import CaseDue
from bot.domain.effects import Outgoing, Place, SuggestPrompts
from bot.domain.errors import FencedError
from bot.domain.escalation import CardView
from bot.domain.incoming import (
    BudgetAskExpired,
    CallApproved,
    CarryOn,
    ColleagueSpoke,
    DecisionMade,
    FeedbackGiven,
    HomeOpened,
    Incoming,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    MessagesTabOpened,
    ProposalEdited,
    ProposalExpired,
    QuestionAsked,
    Rated,
    Reacted,
    StopPressed,
    Woken,
)
from bot.domain.reports import (
    Asker,
    BudgetCommand,
    BudgetReply,
    FilledIn,
    FormAnswer,
    HomePage,
    TraceReport,
)
from bot.domain.revision import Problem, Sheet
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
    allowing: Allowing
    calls: ApprovedCalls
    revisions: Revisions
    questions: Questions
    expiry: Expiry
    waiting: Waiting
    talk: StaffRoomTalk
    relay: RelayRoom
    stepping_in: SteppingIn
    stopping: Stopping
    ratings: Ratings
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
                if not (_asks_for_budget(message) and await self.budgets.tell(queued, message)):
                    await self.talk.handle(queued, message)
            case MessageReceived() | CarryOn():  # also when it is handled: it may have to take others along
                await self._take_turns(queued, queued.conversation_id or "", gave_up=gave_up)
            case CallApproved() as approved:
                await self.calls.carry_out(queued, approved, gave_up=gave_up)
            case DecisionMade() as press if press.decision in ANSWERS:
                await self.allowing.decide(queued.id, press)
            case BudgetAskExpired() as ask_expired:
                await self.allowing.expire(queued.id, ask_expired)
            case Woken() as woken:
                await self._take_turns(queued, woken.thread.id, gave_up=gave_up)
                async with self.store.write() as tx:
                    await tx.inbox.mark_handled([queued.id])
            case DecisionMade() as press:
                await self.decisions.decide(queued.id, press)
            case ColleagueSpoke() as spoke:
                await self.stepping_in.handle(queued, spoke)
            case MessageEdited() | MessageDeleted() as change:
                await self.relay.change(queued, change)
            case Reacted() as reacted:
                await self.relay.reaction(queued, reacted)
            case Rated() as rated:
                await self.ratings.handle(queued, rated)
            case CaseDue() as due:
                await self.waiting.handle(queued, due)
            case ProposalEdited() as edit:
                await self.revisions.handle(queued.id, edit)
            case QuestionAsked() as asked:
                await self.questions.handle(queued.id, asked)
            case ProposalExpired() as over:
                await self.expiry.handle(queued.id, over)
            case StopPressed() as stop:
                await self.stopping.by_somebody(queued, stop)
            case FeedbackGiven() as feedback:
                await self._feedback(queued, feedback)
            case MessagesTabOpened() as opened:
                await self._welcome(queued, opened)
            case HomeOpened() as opened_home:
                async with self.store.write() as tx:
                    await tx.outbox.add(show_home(opened_home.team_id, opened_home.user_id, queued.id))
                    await tx.inbox.mark_handled([queued.id])
            case _:
                logger.error("cause.unexpected", extra={"fields": {"kind": queued.incoming.kind}})

    async def _take_turns(self, queued: Queued, conversation_id: str, *, gave_up: bool) -> None:
        if gave_up:
            logger.error("turn.parked", extra={"fields": {"conversation": conversation_id}})
            if await self.turns.give_up(conversation_id):
                async with self.store.write() as tx:
                    await tx.inbox.park([queued.id])
        await self.turns.take_all(conversation_id)

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
            return await self.revisions.sheet(escalation_id)
        except KeyError:
            return None

    async def edit_problem(self, edit: ProposalEdited) -> Problem | None:
        """Why a form cannot be taken as it was sent; None when it can."""
        return await self.revisions.problem(edit)

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

    def may_change_budgets(self, asker: Asker) -> bool:
        """Whether somebody may set limits and pause the bot."""
        return self.budgets.may_change(asker)

    async def limit_form(self, form: FilledIn) -> FormAnswer:
        """Set the limit that a form asks for."""
        return await self.budgets.limit_form(form)

    async def pause_form(self, form: FilledIn) -> FormAnswer:
        """Pause the bot as a form asks for."""
        return await self.budgets.pause_form(form)

    async def resume(self, team_id: str, channel_id: str, asker: Asker) -> str:
        """Let the bot go on, everywhere (empty) or in a channel; the sentence that says what is now."""
        return await self.budgets.switch(Switch(pauses=False, channel_id=channel_id), team_id, asker)

    async def home(self, team_id: str, user_id: str) -> HomePage:
        """What somebody's Home tab shows."""
        return await self.budgets.home(team_id, user_id)

    async def last_words(self, inbox_id: str) -> None:
        """Told by the dispatcher which cause was given up: tell whoever waits for it, and park it."""
        await self.farewell.say(inbox_id)

    async def unsent(self, outgoing: Outgoing, why: str) -> None:
        """Told by the outbox what will never be delivered."""
        await self.words.handle(outgoing, why)

    async def redraw_cards(self) -> None:
        """After a start, let every live card show its row."""
        await self.calls.withdraw_outdated()
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


def _asks_for_budget(message: MessageReceived) -> bool:
    return isinstance(parse_command(message.text, addressed=message.mentions_bot), Budget)
