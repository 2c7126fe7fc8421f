"""Cases before people: opening them and showing them."""

from collections.abc import Sequence

import prompts
from bot.desk.audit import deed
from bot.desk.case_clocks import CaseClocks
from bot.desk.deadlines import NO_TERMS, Terms, timer_key
from bot.desk.handed_back import turned_down, why_not_again
from bot.desk.overtaking import is_stopped
from bot.desk.people import People, StaffRoom
from bot.desk.signs import place_of, session
from bot.desk.tracing import decided
from bot.domain.conversation import Conversation, Surface
from bot.domain.effects import Outgoing, Place, RelayFile, Session, ShowCard, ShowInStaffThread
from bot.domain.escalation import SHOWN_ON_CARD, CardView, Escalation, NewEscalation, Origin, Proposal, State
from bot.domain.incoming import MessageReceived, ProposalExpired
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.slack import Directory
from bot.ports.store import Store, Transaction
from tools.base import ToolContext, ToolError
from tools.escalation import EscalationRequest

_CASE = "case"
"""Journal name under which a run remembers its case."""


def card_key(escalation_id: str) -> str:
    """Outbox key of a case's card."""
    return f"card:{escalation_id}"


class Cases:
    """Opens cases and keeps their cards true to the row. Implements `tools.escalation.EscalationDesk`."""

    def __init__(
        self,
        store: Store,
        people: People,
        directory: Directory,
        room: StaffRoom,
        clock: Clock,
        terms: Terms = NO_TERMS,
        clocks: CaseClocks | None = None,
    ) -> None:
        """`terms`: of approvals. `clocks`: how long a case may wait; None: for ever."""
        self._store = store
        self._people = people
        self._directory = directory
        self._room = room
        self._clock = clock
        self._deadlines = terms.deadlines
        self._rules = terms.rules
        self._clocks = clocks

    async def escalate(self, request: EscalationRequest, context: ToolContext) -> str:
        """The tool `escalate_to_human`: put the run's case before people; the text tells the model what to do now."""
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(context.conversation_id)
            if conversation is None or conversation.epoch != context.epoch:
                raise ToolError("A person is already in charge of this conversation. Stop here.")
            if await is_stopped(tx, context.run_id):
                raise ToolError("The request was stopped, changed or taken back. Stop here.")
            refusal = await why_not_again(tx, conversation.id, context.run_id, request.reason)
            if refusal is not None:
                await turned_down(tx, context.run_id)
            elif await case_of_run(tx, context.run_id) is None:
                new = NewEscalation(
                    f"esc-{context.run_id}", conversation.id, Origin.TOOL, request.reason, request.summary,
                    request.team,
                    Proposal(request.proposed_reply) if request.proposed_reply else None,
                    context.principal.user_id, context.principal.team_id,
                )  # fmt: skip
                await self.open(tx, new, conversation, run_id=context.run_id)
        if refusal is not None:
            raise ToolError(refusal)
        waits = "They may approve the reply you proposed. " if request.proposed_reply else ""
        return f"A colleague has been asked. {waits}Tell the customer so in one or two sentences; promise no time."

    async def open(
        self, tx: Transaction, new: NewEscalation, conversation: Conversation, *, run_id: str = ""
    ) -> Escalation:
        """Put a case before people; a conversation has one open case, which newer findings amend."""
        case = await self._amended(tx, new, conversation) or await self._opened(tx, new, conversation)
        if run_id:
            await tx.runs.record(run_id, _CASE, case.id)
        if conversation.surface is Surface.DM:
            key = f"session:{case.id}:{case.version}:open"
            await tx.outbox.add(session(key, conversation, Session.SUSPENDED))
        event = TraceEvent(
            conversation.id, run_id, 0, Action.ESCALATION, new.origin, self._clock(), given=new.reason,
            got=case.team or "", ref=case.id,
        )  # fmt: skip
        await tx.traces.add(event)
        return case

    async def withdraw_proposal(self, tx: Transaction, case: Escalation, why: str) -> None:
        """Take an unanswered proposal off its card, visibly; the case itself stays open."""
        if case.proposal is None:
            return
        bare = NewEscalation(
            case.id, case.conversation_id, case.origin, case.reason, case.summary, case.team, None,
            case.requested_by, case.requested_team,
        )  # fmt: skip
        amended = await tx.escalations.amend(case.id, bare, note=why)
        if amended is None:
            return
        await tx.timers.cancel(timer_key(case.id))
        await tx.audit.add(deed(amended, "withdraw", "", self._clock(), detail=why, before=case.proposal))
        await tx.traces.add(decided(amended, "withdraw", self._clock(), words=why))
        await self.redraw(tx, amended)
        key = f"{card_key(case.id)}:withdrawn:{amended.version}"
        await self.say_under_card(tx, case, key, f"{why} It read:\n\n{case.proposal.words}")

    async def mirror(
        self, tx: Transaction, conversation: Conversation, messages: Sequence[MessageReceived], name: str
    ) -> None:
        """Show a customer's messages under the card of whoever is in charge of the conversation."""
        case = await tx.escalations.live(conversation.id)
        for message in messages:
            if case is None:
                continue
            if message.user_id == conversation.owner:
                await self.owner_answered(tx, case)
                continue
            if self._clocks is not None:
                await self._clocks.customer_waits(tx, case)
            names = "".join(f"\n📎 {file.name}" for file in message.files)
            key = f"mirror:{case.id}:{message.ts}"
            await self.say_under_card(tx, case, key, f"{message.text}{names}", author=(message.user_id, name))
            place = Place(conversation.key.team_id, case.staff_channel)
            for file in message.files:
                effect = RelayFile(place, message.user_id, name, file)
                lane, card = lane_of_case(case), card_key(case.id)
                await tx.outbox.add(Outgoing(f"{key}:file:{file.id}", effect, lane, conversation.id, under=card))

    async def owner_answered(self, tx: Transaction, case: Escalation) -> None:
        """An owner who was quiet is there again: the case is not offered to others any more."""
        if case.offered_at is not None and (kept := await tx.escalations.offer(case.id, None)) is not None:
            await self.redraw(tx, kept)

    async def outlook(self, tx: Transaction, conversation: Conversation, new: NewEscalation | None = None) -> str:
        """What is true for a customer whose case (a new one, or the open one) waits for people: when the team is there
        again, how many cases are before theirs. Empty when there is nothing to say."""
        case = await tx.escalations.live(conversation.id)
        if self._clocks is None or (case is None and new is None) or (case and case.state is not State.OPEN):
            return ""
        channel = case.staff_channel if case else self._room.channel_for(new.team if new else None)
        words = prompts.sentences(conversation.language)
        return await self._clocks.outlook(tx, channel, words, since=case.opened_at if case else None)

    async def waiting_note(self, conversation: Conversation) -> str:
        """For the model, whose customer may ask how long it takes; empty when no case of theirs waits for people."""
        async with self._store.read() as tx:
            case = await tx.escalations.live(conversation.id)
            if self._clocks is None or case is None or case.state is not State.OPEN:
                return ""
            outlook = await self.outlook(tx, conversation)
        since = self._clocks.service.hours.local(case.opened_at)
        asked = f"A colleague was asked about this conversation on {since:%A at %H:%M %Z} and has not answered yet."
        return f"{asked} {outlook} Nothing else is known of how long it takes.".replace("  ", " ")

    async def _opened(self, tx: Transaction, new: NewEscalation, conversation: Conversation) -> Escalation:
        channel = self._room.channel_for(new.team)
        case = await tx.escalations.open(
            new, staff_channel=channel, at=self._clock(), expires_at=self._expires(new, conversation)
        )
        await self.watch(tx, case)
        if self._clocks is not None:
            await self._clocks.follow(tx, case)
        place = Place(conversation.key.team_id, channel)
        await tx.outbox.add(Outgoing(card_key(case.id), ShowCard(place, case.id), lane_of_case(case), conversation.id))
        await tx.outbox.add(*_in_full(case, place))
        return case

    async def _amended(self, tx: Transaction, new: NewEscalation, conversation: Conversation) -> Escalation | None:
        older = await tx.escalations.live(conversation.id)
        expires = self._expires(new, conversation)
        case = await tx.escalations.amend(older.id, new, expires_at=expires) if older else None
        if older is None or case is None:
            return None
        await self.watch(tx, case)
        if self._clocks is not None:
            await self._clocks.amended(tx, older, case)
        await self.redraw(tx, case)
        key = f"{card_key(case.id)}:amended:{case.version}"
        before = f"_The card now shows what was found since. Before it said:_\n\n{older.reason}\n\n{older.summary}"
        if older.proposal is not None:
            before = f"{before}\n\n_It proposed, which no longer holds:_\n\n{older.proposal.words}"
            await tx.audit.add(deed(case, "replace", "", self._clock(), before=older.proposal))
        await self.say_under_card(tx, case, key, before)
        await tx.outbox.add(*_in_full(case, Place(conversation.key.team_id, case.staff_channel)))
        return case

    def _expires(self, new: NewEscalation, conversation: Conversation) -> float | None:
        return self._deadlines.of(conversation.profile, new.proposal) if self._deadlines else None

    async def watch(self, tx: Transaction, case: Escalation) -> None:
        """Set the timer that ends the time to approve, or take it away."""
        team, key = case.conversation_id.split(":")[0], timer_key(case.id)
        if case.expires_at is None:
            await tx.timers.cancel(key)
            return
        cause = ProposalExpired(case.id, team, case.expires_at)
        await tx.timers.set(key, cause, due_at=case.expires_at, partition=f"press:{case.id}")

    async def redraw(self, tx: Transaction, case: Escalation, *, when: str = "") -> None:
        """Let the card show the row as it is now; once per version, unless `when` tells another occasion.

        The timers of the case follow the row, too.
        """
        if self._clocks is not None:
            await self._clocks.follow(tx, case)
        key = f"{card_key(case.id)}:v{case.version}{when}"
        place = Place(case.conversation_id.split(":")[0], case.staff_channel)
        await tx.outbox.add(
            Outgoing(key, ShowCard(place, case.id), lane_of_case(case), case.conversation_id, edits=card_key(case.id))
        )

    async def show_in_full(self, tx: Transaction, case: Escalation) -> None:
        """Post what does not fit on the card under it."""
        await tx.outbox.add(*_in_full(case, Place(case.conversation_id.split(":")[0], case.staff_channel)))

    async def say_under_card(
        self, tx: Transaction, case: Escalation, key: str, text: str, *, author: tuple[str, str] = ("", ""),
        edits: str | None = None, calls: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Post (or, with `edits`, change) a reply under a case's card: the bot's own note, or somebody's words.

        `calls`: ids of users and user groups who are pinged.
        """
        place = Place(case.conversation_id.split(":")[0], case.staff_channel)
        effect = ShowInStaffThread(place, text, *author, calls=calls)
        reply = Outgoing(key, effect, lane_of_case(case), case.conversation_id, under=card_key(case.id), edits=edits)
        await tx.outbox.add(reply)

    async def view(self, escalation_id: str) -> CardView:
        """What a card shows now; KeyError when there is no such case."""
        async with self._store.read() as tx:
            case = await tx.escalations.get(escalation_id)
            conversation = await tx.conversations.get(case.conversation_id) if case else None
            if case is None or conversation is None:
                raise KeyError(escalation_id)
            spend = await tx.ledger.spend(conversation.id)
            rating = await tx.ratings.of_case(case.id)
            ask = await tx.budget_asks.of_case(case.id)
        return CardView(
            escalation=case,
            customer_id=conversation.opened_by,
            customer_name=await self._people.name(conversation.opened_by),
            thread_link=await self._directory.permalink(place_of(conversation)),
            cost=spend.usd,
            steps=spend.steps,
            rating=rating,
            budget_ask=ask if ask is not None and ask.end is None else None,
            needs=self._rules.needs(case).words,
            deadline=self._clocks.deadline(case) if self._clocks is not None else None,
        )

    async def redraw_all(self) -> None:
        """After a start: every live card shows its row, whatever happened to the message meanwhile."""
        async with self._store.write() as tx:
            for case in await tx.escalations.all_live():
                await self.redraw(tx, case, when=f":{self._clock():.0f}")


async def case_of_run(tx: Transaction, run_id: str) -> Escalation | None:
    """The case a run has put before people, if it has."""
    case_id = await tx.runs.recall(run_id, _CASE)
    return await tx.escalations.get(case_id) if case_id else None


def lane_of_case(case: Escalation) -> str:
    """Outbox lane of everything about a case in the staff channel."""
    return f"staff:{case.id}"


def _in_full(case: Escalation, place: Place) -> list[Outgoing]:
    """What does not fit on the card, as replies under it: never silently cut."""
    texts = {"summary": case.summary, "proposal": case.proposal.words if case.proposal else ""}
    return [
        Outgoing(
            f"{card_key(case.id)}:{name}:{case.version}",
            ShowInStaffThread(place, f"**{name.capitalize()} in full**\n\n{text}"),
            lane_of_case(case),
            case.conversation_id,
            under=card_key(case.id),
        )
        for name, text in texts.items()
        if len(text) > SHOWN_ON_CARD
    ]
