"""Cases before people: opening them and showing them."""

import prompts
from bot.desk.intake import place_of, session
from bot.desk.people import People, StaffRoom
from bot.domain.conversation import Conversation, Surface
from bot.domain.effects import Outgoing, Place, Session, ShowCard, ShowInStaffThread
from bot.domain.escalation import CardView, Decision, Escalation, NewEscalation, Origin, Proposal
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.slack import Directory
from bot.ports.store import Store, Transaction
from tools.base import ToolContext, ToolError
from tools.escalation import EscalationRequest

CARD_PROPOSAL_CHARS = 2_500
"""What a card shows of a proposal; the whole of a longer one is posted under it."""


def card_key(escalation_id: str) -> str:
    """Outbox key of a case's card."""
    return f"card:{escalation_id}"


def case_of_run(run_id: str) -> str:
    """Id of the one case a run can open."""
    return f"esc-{run_id}"


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
        """The tool `escalate_to_human`: open the run's case; the text tells the model what to do now."""
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(context.conversation_id)
            if conversation is None or conversation.epoch != context.epoch:
                raise ToolError("A person is already in charge of this conversation. Stop here.")
            proposal = Proposal(request.proposed_reply) if request.proposed_reply else None
            new = NewEscalation(
                case_of_run(context.run_id), conversation.id, Origin.TOOL, request.reason, request.summary,
                request.team, proposal, context.principal.user_id,
            )  # fmt: skip
            await self.open(tx, new, conversation, run_id=context.run_id)
        waits = "They may approve the reply you proposed. " if proposal else ""
        return f"A colleague has been asked. {waits}Tell the customer so in one or two sentences; promise no time."

    async def open(
        self, tx: Transaction, new: NewEscalation, conversation: Conversation, *, run_id: str = ""
    ) -> Escalation:
        """Put a case before people; an open older one of the conversation gives way to it."""
        older = await tx.escalations.live(conversation.id)
        if older is not None and older.id != new.id:
            await self.void(tx, older, "A newer case replaces it.")
        channel = self._room.channel_for(new.team)
        case = await tx.escalations.open(new, staff_channel=channel, at=self._clock())
        place = Place(conversation.key.team_id, channel)
        await tx.outbox.add(Outgoing(card_key(case.id), ShowCard(place, case.id), _lane(case), conversation.id))
        await tx.outbox.add(*_in_full(case, place))
        if conversation.surface is Surface.DM:
            await tx.outbox.add(session(f"session:{case.id}:open", conversation, Session.SUSPENDED))
        await tx.traces.add(
            TraceEvent(conversation.id, run_id, 0, Action.ESCALATION, new.origin, self._clock(), given=new.reason)
        )
        return case

    async def void(self, tx: Transaction, case: Escalation, why: str) -> None:
        """Close an open case that events have overtaken, visibly."""
        voided = await tx.escalations.decide(case.id, Decision.VOID, by="", at=self._clock(), note=why)
        if voided is not None:
            await self.redraw(tx, voided)

    async def redraw(self, tx: Transaction, case: Escalation) -> None:
        """Let the card show the row as it is now."""
        key = f"{card_key(case.id)}:v{case.version}"
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
        """After a start: every live card shows its row again (once per version)."""
        async with self._store.write() as tx:
            for case in await tx.escalations.all_live():
                await self.redraw(tx, case)


def _lane(case: Escalation) -> str:
    return f"staff:{case.id}"


def _in_full(case: Escalation, place: Place) -> list[Outgoing]:
    """What does not fit on the card, as replies under it: never silently cut."""
    texts = {"summary": case.summary, "proposal": case.proposal.text if case.proposal else ""}
    return [
        Outgoing(
            f"{card_key(case.id)}:{name}",
            ShowInStaffThread(place, f"**{name.capitalize()} in full**\n\n{text}"),
            _lane(case),
            case.conversation_id,
            under=card_key(case.id),
        )
        for name, text in texts.items()
        if len(text) > CARD_PROPOSAL_CHARS
    ]
