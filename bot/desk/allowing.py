"""What people decide about a run that waits for money: allow more, or stop it; and what happens when nobody does.

Allow raises the limit in the way by a grant, once, and the same run goes on. One conditional update decides, so that
two presses give one grant; the loser reads who was faster.
"""

from decimal import Decimal

import prompts
from bot.agent.profile import Profiles
from bot.desk.audit import deed
from bot.desk.authority import Authority
from bot.desk.budgets import conversation_limit
from bot.desk.cases import Cases
from bot.desk.decisions import whisper
from bot.desk.going_on import GoingOn, TooLateError
from bot.desk.ownership import By
from bot.desk.people import People
from bot.desk.tracing import decided
from bot.desk.waking import wake
from bot.domain.budget import BudgetChange, Grant, Period, Scope
from bot.domain.budget_ask import AskEnd, BudgetAsk
from bot.domain.conversation import Conversation
from bot.domain.escalation import Decision, Escalation, NewEscalation, State
from bot.domain.incoming import BudgetAskExpired, DecisionMade
from bot.domain.money import show_usd
from bot.ports.clock import Clock, NewId
from bot.ports.store import Store, Transaction

ANSWERS = (Decision.ALLOW, Decision.STOP)
"""Decisions that belong here."""


class Allowing:
    """Carries out Allow and Stop."""

    def __init__(  # noqa: PLR0913 - the composition root names them
        self, store: Store, people: People, authority: Authority, cases: Cases, going_on: GoingOn,
        profiles: Profiles, clock: Clock, *, new_id: NewId,
    ) -> None:  # fmt: skip
        self._store = store
        self._people = people
        self._authority = authority
        self._cases = cases
        self._going_on = going_on
        self._profiles = profiles
        self._clock = clock
        self._new_id = new_id
        self._sentences = prompts.sentences()

    async def decide(self, inbox_id: str, press: DecisionMade) -> None:
        """Handle one press; whoever may not, or comes too late, is told so and nothing changes."""
        refusal = await self._authority.why_not_act(press.user_team or press.team_id, press.user_id)
        if refusal is None:
            try:
                refusal = await self._try(inbox_id, press)
            except TooLateError:
                refusal = await self._too_late(press)
        if refusal is not None:
            async with self._store.write() as tx:
                if refusal:
                    await tx.outbox.add(whisper(press, refusal))
                await tx.inbox.mark_handled([inbox_id])

    async def expire(self, inbox_id: str, cause: BudgetAskExpired) -> None:
        """Nobody decided in time: the run ends, the case stays with people, and the customer reads that.

        A run that was stopped just before ends as it was told to.
        """
        async with self._store.write() as tx:
            ask, now = await self._going_on.held(tx, cause.escalation_id), self._clock()
            if ask is not None and (ended := await tx.budget_asks.end(ask.case_id, AskEnd.EXPIRED, at=now)) is not None:
                case = await tx.escalations.get(ask.case_id)
                if case is not None:
                    await self._leave_open(tx, case, now)
                await tx.inbox.reopen(ended.held)
                await wake(tx, ask, AskEnd.EXPIRED, self._new_id())
            await tx.inbox.mark_handled([inbox_id])

    async def _try(self, inbox_id: str, press: DecisionMade) -> str | None:
        """Decide; a sentence when nothing was changed."""
        by = By(press.user_id, await self._people.name(press.user_id))
        is_admin = self._people.is_admin(press.user_team or press.team_id, press.user_id)
        async with self._store.write() as tx:
            if press.decision is Decision.ALLOW:
                await tx.ledger.hold(press.team_id)
            ask = await self._going_on.held(tx, press.escalation_id)
            if ask is None:
                raise TooLateError
            if press.decision is Decision.ALLOW:
                if press.usd not in ask.offers:
                    return self._sentences["card_changed"]
                if ask.is_for_admins and not is_admin:
                    return self._sentences["budget_admins"].format(limit=ask.limit)
            is_allowed = press.decision is Decision.ALLOW and press.usd is not None
            note = f"{show_usd(press.usd)} more" if press.usd and is_allowed else self._sentences["budget_stop_note"]
            case, conversation = await self._going_on.end(tx, ask, press.decision, by, note)
            if press.usd is not None and is_allowed:
                await self._allow(tx, ask, conversation, press.usd, by)
                await self._going_on.resume(tx, ask, case, conversation)
            await tx.inbox.mark_handled([inbox_id])
        return None

    async def _allow(self, tx: Transaction, ask: BudgetAsk, conversation: Conversation, usd: Decimal, by: By) -> None:
        """The grant, and what the limit is now, in the history of limits."""
        limit, now, team = ask.limit, self._clock(), conversation.key.team_id
        grant = Grant(limit.scope, limit.subject, limit.period, usd, by.user_id, now)
        await tx.ledger.grant(grant, team_id=team)
        total = limit.usd + usd
        if (limit.scope, limit.period) == (Scope.CONVERSATION, Period.TOTAL):
            total = await conversation_limit(tx.ledger, conversation, self._profiles.of(conversation.profile))
        change = BudgetChange(limit.scope, limit.subject, limit.period, total, by.user_id, now)
        await tx.ledger.note_change(change, team_id=team)

    async def _leave_open(self, tx: Transaction, case: Escalation, now: float) -> None:
        reason = f"{case.reason}\n\n{self._sentences['budget_nobody']}"
        newer = NewEscalation(
            case.id, case.conversation_id, case.origin, reason, case.summary, case.team, None,
            case.requested_by, case.requested_team,
        )  # fmt: skip
        amended = await tx.escalations.amend(case.id, newer)
        if amended is not None:
            await self._cases.redraw(tx, amended)
            await tx.audit.add(deed(amended, Decision.EXPIRE, "", now))
            await tx.traces.add(decided(amended, Decision.EXPIRE, now))

    async def _too_late(self, press: DecisionMade) -> str:
        """Who was faster; empty when that was the presser, pressing twice."""
        async with self._store.read() as tx:
            case = await tx.escalations.get(press.escalation_id)
        if case is None:
            return self._sentences["gone"]
        if case.state is State.OPEN:
            return self._sentences["card_changed"]
        if case.decided_by == press.user_id:
            return ""
        person = await self._people.name(case.decided_by) if case.decided_by else "Deskhand"
        return self._sentences["budget_too_late"].format(person=person)
