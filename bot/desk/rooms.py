"""Which room of the desk takes which stored cause. One table, written out."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import prompts
from bot.desk.allowing import ANSWERS, Allowing
from bot.desk.approved_calls import ApprovedCalls
from bot.desk.commands import Budget, parse_command
from bot.desk.decisions import Decisions
from bot.desk.expiry import Expiry
from bot.desk.lessons import Lessons
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
from bot.desk.waiting import Waiting
from bot.domain.case_due import CaseDue
from bot.domain.effects import Outgoing, Place, SuggestPrompts
from bot.domain.errors import FencedError
from bot.domain.incoming import (
    BudgetAskExpired,
    CallApproved,
    CarryOn,
    CaseResolved,
    ColleagueSpoke,
    DecisionMade,
    FeedbackGiven,
    HomeOpened,
    LessonChosen,
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
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Queued, Store

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 6
"""A cause that failed so often is ended honestly, without trying its work again. A turn that is taken up after a fault
counts twice, as failed and as broken off; the dispatcher's own limit must be at least three higher."""

_Room = Callable[[Queued, Any], Awaitable[None]]


@dataclass(frozen=True)
class Rooms:
    """Handles stored causes, each under its lease."""

    store: Store
    clock: Clock
    people: People
    turns: Turns
    talk: StaffRoomTalk
    relay: RelayRoom
    stepping_in: SteppingIn
    stopping: Stopping
    decisions: Decisions
    allowing: Allowing
    calls: ApprovedCalls
    revisions: Revisions
    questions: Questions
    expiry: Expiry
    waiting: Waiting
    ratings: Ratings
    lessons: Lessons
    budgets: BudgetDesk

    @cached_property
    def _by_cause(self) -> Mapping[type[Any], _Room]:
        return {
            MessageReceived: self._message,
            CarryOn: self._turn,
            Woken: self._wake,
            CallApproved: self._approved,
            DecisionMade: self._press,
            BudgetAskExpired: lambda queued, cause: self.allowing.expire(queued.id, cause),
            ProposalEdited: lambda queued, cause: self.revisions.handle(queued.id, cause),
            ProposalExpired: lambda queued, cause: self.expiry.handle(queued.id, cause),
            QuestionAsked: lambda queued, cause: self.questions.handle(queued.id, cause),
            CaseDue: self.waiting.handle,
            ColleagueSpoke: self.stepping_in.handle,
            MessageEdited: self.relay.change,
            MessageDeleted: self.relay.change,
            Reacted: self.relay.reaction,
            Rated: self.ratings.handle,
            CaseResolved: self.lessons.suggest,
            LessonChosen: self.lessons.choose,
            StopPressed: self.stopping.by_somebody,
            FeedbackGiven: self._feedback,
            MessagesTabOpened: self._suggest,
            HomeOpened: self._home,
        }

    async def handle(self, inbox_id: str) -> None:
        """Handle one stored cause; safe to repeat, resumes where an earlier attempt broke off."""
        async with self.store.read() as tx:
            queued = await tx.inbox.get(inbox_id)
        if queued is None or (queued.handled and queued.conversation_id is None):
            return
        try:
            await self._by_cause[type(queued.incoming)](queued, queued.incoming)
        except* FencedError:
            logger.warning("run.fenced", extra={"fields": {"cause": inbox_id}})

    async def _message(self, queued: Queued, message: MessageReceived) -> None:
        if queued.conversation_id is not None:
            return await self._turn(queued, message)
        asks_for_budget = isinstance(parse_command(message.text, addressed=message.mentions_bot), Budget)
        if not (asks_for_budget and await self.budgets.tell(queued, message)):
            await self.talk.handle(queued, message)
        return None

    async def _turn(self, queued: Queued, _: MessageReceived | CarryOn) -> None:
        """Also when the cause is handled: it may have to take others along."""
        await self._take_turns(queued, queued.conversation_id or "")

    async def _wake(self, queued: Queued, woken: Woken) -> None:
        await self._take_turns(queued, woken.thread.id)
        async with self.store.write() as tx:
            await tx.inbox.mark_handled([queued.id])

    async def _take_turns(self, queued: Queued, conversation_id: str) -> None:
        if _gave_up(queued):
            logger.error("turn.parked", extra={"fields": {"conversation": conversation_id}})
            if await self.turns.give_up(conversation_id):
                async with self.store.write() as tx:
                    await tx.inbox.park([queued.id])
        await self.turns.take_all(conversation_id)

    async def _approved(self, queued: Queued, cause: CallApproved) -> None:
        await self.calls.carry_out(queued, cause, gave_up=_gave_up(queued))

    async def _press(self, queued: Queued, press: DecisionMade) -> None:
        room = self.allowing if press.decision in ANSWERS else self.decisions
        await room.decide(queued.id, press)

    async def _feedback(self, queued: Queued, feedback: FeedbackGiven) -> None:
        async with self.store.write() as tx:
            run = await tx.runs.get(feedback.run_id)
            if run is not None:
                name = "thumbs_up" if feedback.positive else "thumbs_down"
                event = TraceEvent(run.conversation_id, run.id, 0, Action.DECISION, name, self.clock())
                await tx.traces.add(event)
            await tx.inbox.mark_handled([queued.id])

    async def _suggest(self, queued: Queued, opened: MessagesTabOpened) -> None:
        place = Place(opened.team_id, opened.channel_id)
        language = (await self.people.principal(opened.user_id, author_team=opened.team_id)).language
        effect = SuggestPrompts(place, prompts.sentences(language)["prompts_title"], prompts.suggested(language))
        async with self.store.write() as tx:
            await tx.outbox.add(
                Outgoing(f"prompts:{queued.id}", effect, f"prompts:{place.team_id}:{opened.channel_id}")
            )
            await tx.inbox.mark_handled([queued.id])

    async def _home(self, queued: Queued, opened: HomeOpened) -> None:
        async with self.store.write() as tx:
            await tx.outbox.add(show_home(opened.team_id, opened.user_id, queued.id))
            await tx.inbox.mark_handled([queued.id])


def _gave_up(queued: Queued) -> bool:
    return queued.attempts > MOST_ATTEMPTS and not queued.handled
