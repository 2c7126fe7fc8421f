"""Cases before people: opening them and showing them."""

from collections.abc import Sequence

import prompts
from bot.desk.intake import place_of, session
from bot.desk.people import People, StaffRoom
from bot.domain.conversation import Conversation, Surface
from bot.domain.effects import Outgoing, Place, Session, ShowCard, ShowInStaffThread
from bot.domain.escalation import SHOWN_ON_CARD, CardView, Escalation, NewEscalation, Origin, Proposal
from bot.domain.incoming import MessageReceived
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

    def __init__(self, store: Store, people: People, directory: Directory, room: StaffRoom, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._directory = directory
        self._room = room
        self._clock = clock
        self._sentences = prompts.sentences()

    async def escalate(self, request: EscalationRequest, context: ToolContext) -> str:
        """The tool `escalate_to_human`: put the run's case before people; the text tells the model what to do now."""
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(context.conversation_id)
            if conversation is None or conversation.epoch != context.epoch:
                raise ToolError("A person is already in charge of this conversation. Stop here.")
            if await case_of_run(tx, context.run_id) is None:
                new = NewEscalation(
                    f"esc-{context.run_id}", conversation.id, Origin.TOOL, request.reason, request.summary,
                    request.team,
                    Proposal(request.proposed_reply) if request.proposed_reply else None,
                    context.principal.user_id, context.principal.team_id,
                )  # fmt: skip
                await self.open(tx, new, conversation, run_id=context.run_id)
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
            conversation.id, run_id, 0, Action.ESCALATION, new.origin, self._clock(), given=new.reason[:500]
        )
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
        amended = await tx.escalations.amend(case.id, bare)
        if amended is None:
            return
        await self.redraw(tx, amended)
        key = f"{card_key(case.id)}:withdrawn:{amended.version}"
        await self.say_under_card(tx, case, key, f"{why} It read:\n\n{case.proposal.text}")

    async def mirror(
        self, tx: Transaction, conversation: Conversation, messages: Sequence[MessageReceived], name: str
    ) -> None:
        """Show a customer's messages under the card of whoever is in charge of the conversation."""
        case = await tx.escalations.live(conversation.id)
        for message in messages:
            if case is None or message.user_id == conversation.owner:
                continue
            names = "".join(f"\n📎 {file.name}" for file in message.files)
            key = f"mirror:{case.id}:{message.ts}"
            await self.say_under_card(tx, case, key, f"{message.text}{names}", author=(message.user_id, name))

    async def _opened(self, tx: Transaction, new: NewEscalation, conversation: Conversation) -> Escalation:
        channel = self._room.channel_for(new.team)
        case = await tx.escalations.open(new, staff_channel=channel, at=self._clock())
        place = Place(conversation.key.team_id, channel)
        await tx.outbox.add(Outgoing(card_key(case.id), ShowCard(place, case.id), _lane(case), conversation.id))
        await tx.outbox.add(*_in_full(case, place))
        return case

    async def _amended(self, tx: Transaction, new: NewEscalation, conversation: Conversation) -> Escalation | None:
        older = await tx.escalations.live(conversation.id)
        case = await tx.escalations.amend(older.id, new) if older else None
        if older is None or case is None:
            return None
        await self.redraw(tx, case)
        key = f"{card_key(case.id)}:amended:{case.version}"
        before = f"_The card now shows what was found since. Before it said:_\n\n{older.reason}\n\n{older.summary}"
        await self.say_under_card(tx, case, key, before)
        await tx.outbox.add(*_in_full(case, Place(conversation.key.team_id, case.staff_channel)))
        return case

    async def redraw(self, tx: Transaction, case: Escalation, *, when: str = "") -> None:
        """Let the card show the row as it is now; once per version, unless `when` tells another occasion."""
        key = f"{card_key(case.id)}:v{case.version}{when}"
        place = Place(case.conversation_id.split(":")[0], case.staff_channel)
        await tx.outbox.add(
            Outgoing(key, ShowCard(place, case.id), _lane(case), case.conversation_id, edits=card_key(case.id))
        )

    async def say_under_card(
        self, tx: Transaction, case: Escalation, key: str, text: str, *, author: tuple[str, str] = ("", "")
    ) -> None:
        """Post a reply under a case's card: the bot's own note, or somebody's words."""
        place = Place(case.conversation_id.split(":")[0], case.staff_channel)
        effect = ShowInStaffThread(place, text, *author)
        await tx.outbox.add(Outgoing(key, effect, _lane(case), case.conversation_id, under=card_key(case.id)))

    async def view(self, escalation_id: str) -> CardView:
        """What a card shows now; KeyError when there is no such case."""
        async with self._store.read() as tx:
            case = await tx.escalations.get(escalation_id)
            conversation = await tx.conversations.get(case.conversation_id) if case else None
            if case is None or conversation is None:
                raise KeyError(escalation_id)
            spend = await tx.ledger.spend(conversation.id)
        return CardView(
            escalation=case,
            customer_id=conversation.opened_by,
            customer_name=await self._people.name(conversation.opened_by),
            thread_link=await self._directory.permalink(place_of(conversation)),
            cost=spend.usd,
            steps=spend.steps,
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


def _lane(case: Escalation) -> str:
    return f"staff:{case.id}"


def _in_full(case: Escalation, place: Place) -> list[Outgoing]:
    """What does not fit on the card, as replies under it: never silently cut."""
    texts = {"summary": case.summary, "proposal": case.proposal.text if case.proposal else ""}
    return [
        Outgoing(
            f"{card_key(case.id)}:{name}:{case.version}",
            ShowInStaffThread(place, f"**{name.capitalize()} in full**\n\n{text}"),
            _lane(case),
            case.conversation_id,
            under=card_key(case.id),
        )
        for name, text in texts.items()
        if len(text) > SHOWN_ON_CARD
    ]
