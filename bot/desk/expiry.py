"""A proposal that nobody approved in time: nothing is sent or done, and the customer is told so.

The case ends as expired; a new one without a proposal takes its place, so that the customer who waits is not forgotten.
"""

import prompts
from bot.desk.audit import deed
from bot.desk.cases import Cases
from bot.desk.signs import place_of
from bot.desk.tracing import decided
from bot.domain.conversation import Conversation, Line, Speaker, Standing
from bot.domain.effects import Outgoing, ShowNotice
from bot.domain.escalation import Decision, Escalation, NewEscalation, State
from bot.domain.incoming import ProposalExpired
from bot.ports.clock import Clock
from bot.ports.store import Store, Transaction


class Expiry:
    """Ends proposals whose time is over."""

    def __init__(self, store: Store, cases: Cases, clock: Clock) -> None:
        self._store = store
        self._cases = cases
        self._clock = clock

    async def handle(self, inbox_id: str, cause: ProposalExpired) -> None:
        """The timer went off; it means nothing when the proposal was decided or changed meanwhile."""
        async with self._store.write() as tx:
            case = await tx.escalations.get(cause.escalation_id)
            if case is not None and case.state is State.OPEN and case.expires_at == cause.expires_at:
                await self.end(tx, case)
            await tx.inbox.mark_handled([inbox_id])

    def is_over(self, case: Escalation) -> bool:
        """Whether the time is over, also when the timer is late."""
        return case.state is State.OPEN and case.expires_at is not None and case.expires_at <= self._clock()

    async def end(self, tx: Transaction, case: Escalation) -> bool:
        """Let the case expire; False when somebody decided it just now."""
        at = self._clock()
        ended = await tx.escalations.decide(case.id, Decision.EXPIRE, by="", at=at, note="", version=case.version)
        conversation = await tx.conversations.get(case.conversation_id)
        if ended is None or conversation is None:
            return False
        await self._cases.redraw(tx, ended)
        await tx.audit.add(deed(ended, Decision.EXPIRE, "", at))
        await tx.traces.add(decided(ended, Decision.EXPIRE, at))
        if conversation.standing is Standing.BOT:
            await self._cases.open(tx, self._successor(ended), conversation)
            await self._tell(tx, ended, conversation)
        return True

    def _successor(self, case: Escalation) -> NewEscalation:
        what = case.proposal.words if case.proposal else ""
        return NewEscalation(
            f"{case.id}-late", case.conversation_id, case.origin, f"Nobody approved it in time: {case.reason}",
            f"{case.summary}\n\nThis expired and was not sent or done:\n\n{what}", case.team, None,
            case.requested_by, case.requested_team,
        )  # fmt: skip

    async def _tell(self, tx: Transaction, case: Escalation, conversation: Conversation) -> None:
        is_call = case.proposal is not None and case.proposal.call is not None
        text = prompts.sentences(conversation.language)["expired_call" if is_call else "expired_reply"]
        notice = ShowNotice(place_of(conversation), text)
        key = f"expired:{case.id}"
        await tx.outbox.add(Outgoing(key, notice, conversation.id, conversation.id, conversation.epoch))
        await tx.conversations.add_lines(conversation.id, Line(Speaker.BOT, "", text, self._clock()))
