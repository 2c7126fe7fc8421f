"""What follows from a decision: the reply is sent, the call queued, the agent carries on, or the owner changes."""

import prompts
from bot.agent.profile import Profiles
from bot.desk.approved_calls import ApprovedCalls
from bot.desk.budgets import footer_of
from bot.desk.cases import Cases
from bot.desk.ownership import By, Ownership
from bot.desk.signs import place_of
from bot.domain.answer import Answer
from bot.domain.conversation import Conversation, Line, Speaker
from bot.domain.effects import Outgoing, Session, ShowAnswer
from bot.domain.escalation import Decision, Escalation, Proposal
from bot.domain.incoming import CarryOn, CaseResolved, DecisionMade
from bot.ports.clock import Clock, NewId
from bot.ports.store import Transaction


class Consequences:
    """Carries out what was decided, in the transaction of the decision."""

    def __init__(
        self, cases: Cases, ownership: Ownership, calls: ApprovedCalls, profiles: Profiles, clock: Clock, new_id: NewId
    ) -> None:
        self._cases = cases
        self._ownership = ownership
        self._calls = calls
        self._profiles = profiles
        self._clock = clock
        self._new_id = new_id

    async def follow(
        self, tx: Transaction, press: DecisionMade, case: Escalation, conversation: Conversation, by: By
    ) -> None:
        """Do what was decided; `case` as the decision left it."""
        match press.decision:
            case Decision.APPROVE:
                await self._approved(tx, press, case, conversation, by)
            case Decision.DENY:
                call = case.proposal.call if case.proposal else None
                what = f" ({call.tool} {call.arguments}, which was not done)" if call else ""
                note = f"A colleague ({by.name}) decided against it{what}. "
                note += "Explain that kindly, and offer what is possible."
                await self._carry_on(tx, case, conversation, _with(note, press.note))
            case Decision.TAKE_OVER:
                await self._ownership.take_over(tx, conversation, by, case.id)
                hint = prompts.sentences()["relay_hint"]
                await self._cases.say_under_card(tx, case, f"hint:{case.id}", hint)
            case Decision.HAND_BACK:
                await self._ownership.hand_back(tx, conversation, by, case.id, press.note, next_step=press.next_step)
            case Decision.RESOLVE:
                await self._ownership.resolve(tx, case, conversation, by)
                cause = CaseResolved(conversation.key, case.id)
                await tx.inbox.add(self._new_id(), cause, conversation_id=None, partition=f"lesson:{case.id}")
            case Decision.RECLAIM:
                await self._ownership.take_over(tx, conversation, by, case.id)
            case _:  # made by the desk itself, or carried out elsewhere
                pass

    async def _approved(
        self, tx: Transaction, press: DecisionMade, case: Escalation, conversation: Conversation, by: By
    ) -> None:
        if case.proposal is None:
            note = f"A colleague ({by.name}) read the case and said: carry on with the customer's request."
            await self._carry_on(tx, case, conversation, _with(note, press.note))
        elif case.proposal.call is not None:
            await self._calls.queue(tx, case, conversation, by)
        else:
            await self._send_proposal(tx, case, case.proposal, conversation, by)

    async def _send_proposal(
        self, tx: Transaction, case: Escalation, proposal: Proposal, conversation: Conversation, by: By
    ) -> None:
        """Send exactly the approved text, once."""
        footer = await footer_of(tx.ledger, conversation, self._profiles)
        answer = Answer(proposal.text, proposal.citations, footer, language=conversation.language)
        await tx.outbox.add(
            Outgoing(
                f"approved:{case.id}:{proposal.digest[:16]}",
                ShowAnswer(place_of(conversation), answer),
                conversation.id,
                conversation.id,
                conversation.epoch,
            )
        )
        await tx.conversations.add_lines(conversation.id, Line(Speaker.BOT, "", proposal.text, self._clock()))
        await tx.citations.add(conversation.id, case.id.removeprefix("esc-"), proposal.citations, at=self._clock())
        note = Line(Speaker.NOTE, "", f"{by.name} approved that answer.", self._clock())
        await tx.conversations.add_lines(conversation.id, note)
        await self._ownership.set_session(tx, conversation, f"{case.id}:approved", Session.ACTIVE)

    async def _carry_on(self, tx: Transaction, case: Escalation, conversation: Conversation, note: str) -> None:
        asker, team = case.requested_by or conversation.opened_by, case.requested_team or conversation.key.team_id
        cause = CarryOn(conversation.key, f"{case.state}:{case.id}", note, asker, team)
        inbox_id = self._new_id()
        await tx.inbox.add(inbox_id, cause, conversation_id=conversation.id, partition=conversation.id)


def _with(note: str, words: str) -> str:
    return f"{note} Their words: {words}" if words else note
