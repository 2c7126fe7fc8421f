"""What was meant for somebody and will never reach them: nobody is left with a sign of work that goes on for ever."""

from bot.desk.cases import Cases
from bot.desk.intake import removal
from bot.domain.conversation import Conversation, Line, Speaker, Standing
from bot.domain.effects import Outgoing, Relay, ShowAnswer
from bot.domain.escalation import NewEscalation, Origin
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Store, Transaction


class UnsentWords:
    """Deals with effects the outbox gave up or may not send any more."""

    def __init__(self, store: Store, cases: Cases, clock: Clock) -> None:
        self._store = store
        self._cases = cases
        self._clock = clock

    async def handle(self, outgoing: Outgoing, why: str) -> None:
        """`why` is empty when the conversation changed hands; otherwise Slack refused, and people must know."""
        if outgoing.conversation_id is None or not isinstance(outgoing.effect, ShowAnswer | Relay):
            return
        async with self._store.write() as tx:
            conversation = await tx.conversations.get(outgoing.conversation_id)
            if conversation is None:
                return
            if outgoing.edits is not None:
                await tx.outbox.add(removal(conversation, outgoing.edits))
            note = "The last answer was not sent" + (": Slack refused it." if why else ": a person had taken over.")
            await tx.conversations.add_line(conversation.id, Line(Speaker.NOTE, "", note, self._clock()))
            await tx.traces.add(
                TraceEvent(
                    conversation.id, "", 0, Action.DELIVERY, outgoing.effect.kind, self._clock(), ok=False,
                    error=why[:200] or "voided",
                )
            )  # fmt: skip
            if why:
                await self._put_before_people(tx, conversation, outgoing, why)

    async def _put_before_people(
        self, tx: Transaction, conversation: Conversation, outgoing: Outgoing, why: str
    ) -> None:
        effect = outgoing.effect
        words = (
            effect.answer.text if isinstance(effect, ShowAnswer) else effect.text if isinstance(effect, Relay) else ""
        )
        if conversation.standing is Standing.HUMAN:
            case = await tx.escalations.live(conversation.id)
            if case is not None:
                text = f"This did not reach the customer ({why}):\n\n{words}"
                await self._cases.say_under_card(tx, case, f"unsent:{outgoing.key}", text)
            return
        new = NewEscalation(
            f"esc-{outgoing.key}", conversation.id, Origin.FAILURE, f"An answer could not be delivered ({why}).",
            f"The customer has not read this:\n\n{words}", requested_by=conversation.opened_by,
            requested_team=conversation.key.team_id,
        )  # fmt: skip
        await self._cases.open(tx, new, conversation)
