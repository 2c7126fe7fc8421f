"""What people decide about a case: approve, deny, take over, hand back, resolve. The loser of a race reads why."""

from datetime import UTC, datetime

import prompts
from bot.desk.audit import deed
from bot.desk.authority import Authority
from bot.desk.cases import Cases
from bot.desk.consent import Consent, waits_for_second
from bot.desk.consequences import Consequences
from bot.desk.deadlines import timer_key
from bot.desk.expiry import Expiry
from bot.desk.overtaking import has_unread
from bot.desk.ownership import By
from bot.desk.tracing import decided
from bot.domain.effects import Outgoing, Place, Whisper
from bot.domain.escalation import MOVES, Decision, Escalation, State
from bot.domain.incoming import DecisionMade
from bot.ports.clock import Clock
from bot.ports.store import Store, Transaction

_DONE = {
    State.CLAIMED: "took over",
    State.APPROVED: "approved it",
    State.DENIED: "denied it",
    State.HANDED_BACK: "handed it back",
    State.RESOLVED: "resolved it",
    State.EXPIRED: "the time to approve it was over",
    State.VOIDED: "it was overtaken by events",
}


class Decisions:
    """Carries out decisions, each in one transaction around the conditional update."""

    def __init__(
        self,
        store: Store,
        authority: Authority,
        cases: Cases,
        expiry: Expiry,
        consequences: Consequences,
        clock: Clock,
    ) -> None:
        self._store = store
        self._authority = authority
        self._consent = Consent(authority)
        self._cases = cases
        self._expiry = expiry
        self._consequences = consequences
        self._clock = clock
        self._sentences = prompts.sentences()

    async def decide(self, inbox_id: str, press: DecisionMade) -> None:
        """Handle one press; whoever may not, or comes too late, is told so and nothing changes."""
        async with self._store.read() as tx:
            seen = await tx.escalations.get(press.escalation_id)
        refusal = await self._why_not(press, seen) or await self._try(inbox_id, press, seen)
        if refusal is not None:
            async with self._store.write() as tx:
                await tx.outbox.add(whisper(press, refusal))
                await tx.inbox.mark_handled([inbox_id])

    async def _why_not(self, press: DecisionMade, seen: Escalation | None) -> str | None:
        """None when this person may decide that, so far as can be told before the transaction."""
        team = press.user_team or press.team_id
        if press.decision is Decision.APPROVE and seen is not None and seen.state is State.OPEN:
            return await self._authority.why_not_approve(team, press.user_id, seen)
        refusal = await self._authority.why_not_act(team, press.user_id)
        if refusal is None and press.decision is Decision.DENY and not press.note.strip():
            return self._sentences["deny_reason"]
        return refusal

    async def _try(self, inbox_id: str, press: DecisionMade, seen: Escalation | None) -> str | None:
        """Decide; a sentence when nothing was changed."""
        by = await self._authority.presser(press.user_id)
        async with self._store.write() as tx:
            decided = seen is not None and await self.apply(tx, press, seen, by)
            case = await tx.escalations.get(press.escalation_id)
            if decided or _is_own_deed(press, case):
                await tx.inbox.mark_handled([inbox_id])
                return None
        return await self._too_late(press, case)

    async def apply(self, tx: Transaction, press: DecisionMade, seen: Escalation, by: By) -> bool:
        """The conditional update and what follows from it; False when it changed nothing.

        `seen`: the case as it was when the presser's rights were checked.
        """
        at = self._clock()
        ask = await tx.budget_asks.of_case(seen.id)
        if ask is not None and ask.end is None and press.decision in (Decision.APPROVE, Decision.DENY):
            return False  # an older card: this one asks about money
        if press.decision is Decision.APPROVE:
            case = await self._approved(tx, press, seen, at)
        else:
            if press.decision is Decision.TAKE_OVER:
                await self._hold_run(tx, press.escalation_id)
            case = await tx.escalations.decide(
                press.escalation_id, press.decision, by=by.user_id, at=at, note=press.note
            )
        if case is None:
            return False
        is_first = waits_for_second(case)
        deed_name = "approve_first" if is_first else press.decision
        await tx.audit.add(deed(case, deed_name, by.user_id, at, detail=press.note))
        await self._cases.redraw(tx, case)
        event = decided(case, deed_name, at, by=by.name, words=press.note)
        if is_first:
            await tx.traces.add(event)
            text = self._sentences["approved_first"].format(person=by.name)
            await self._cases.say_under_card(tx, case, f"first:{case.id}:{case.version}", text)
            return True
        await tx.timers.cancel(timer_key(case.id))
        conversation = await tx.conversations.get(case.conversation_id)
        if conversation is None:
            raise LookupError(case.conversation_id)
        await self._consequences.follow(tx, press, case, conversation, by)
        await tx.traces.add(event)  # last: a new owner begins a new epoch, and the row is its first
        return True

    async def _approved(self, tx: Transaction, press: DecisionMade, seen: Escalation, at: float) -> Escalation | None:
        """The case after an approval that still holds; None when events or the clock were faster."""
        if await self._is_overtaken(tx, press.escalation_id):
            return None
        if await self.is_over(tx, seen):
            return None
        return await self._consent.give(tx, press, seen, at=at)

    async def is_over(self, tx: Transaction, seen: Escalation) -> bool:
        """Whether the time to approve is over; then the case expires now, also when the timer is late."""
        if not self._expiry.is_over(seen):
            return False
        await self._expiry.end(tx, seen)
        return True

    async def _hold_run(self, tx: Transaction, escalation_id: str) -> None:
        """Before the case: who settles the run takes hold of both in this order, or each would wait for the other."""
        case = await tx.escalations.get(escalation_id)
        run = await tx.runs.unfinished(case.conversation_id) if case is not None else None
        if run is None and case is not None:
            run = await tx.runs.paused(case.conversation_id)
        if run is not None:
            await tx.runs.hold(run.id)

    async def _is_overtaken(self, tx: Transaction, escalation_id: str) -> bool:
        """Withdraw a proposal when the customer has written since, even if no turn has begun about it yet."""
        case = await tx.escalations.get(escalation_id)
        if case is None or case.state is not State.OPEN or case.proposal is None:
            return False
        if not await has_unread(tx, case.conversation_id):
            return False
        await self._cases.withdraw_proposal(tx, case, self._sentences["withdrawn"])
        return True

    async def _too_late(self, press: DecisionMade, case: Escalation | None) -> str:
        if case is None:
            return self._sentences["gone"]
        if case.state is State.EXPIRED:
            return self._sentences["expired_card"]
        if case.first_by == press.user_id and press.decision is Decision.APPROVE and case.state is State.OPEN:
            return self._sentences["needs_second"]
        if case.state is State.OPEN:
            return self._sentences["card_changed" if press.decision is Decision.APPROVE else "not_claimed"]
        when = datetime.fromtimestamp(case.decided_at or 0, UTC).strftime("at %H:%M UTC")
        person = (await self._authority.presser(case.decided_by)).name if case.decided_by else "Deskhand"
        return self._sentences["too_late"].format(person=person, decision=_DONE[case.state], when=when)


def _is_own_deed(press: DecisionMade, case: Escalation | None) -> bool:
    """The second half of a double press: what it wants was done, by the same person."""
    if case is None:
        return False
    if waits_for_second(case) and press.decision is Decision.APPROVE:
        return case.first_by == press.user_id and press.version == case.version - 1
    return (case.state, case.decided_by) == (MOVES[press.decision][1], press.user_id)


def whisper(press: DecisionMade, text: str) -> Outgoing:
    """A sentence for whoever pressed, where they pressed."""
    place = Place(press.team_id, press.channel_id, press.thread_ts)
    key = f"whisper:{press.team_id}:{press.press_id}"
    return Outgoing(key, Whisper(place, press.user_id, text), f"whisper:{press.team_id}:{press.user_id}")
