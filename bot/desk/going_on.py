"""Runs that wait for money go on: somebody allowed more, or an admin set the limit in the way higher.

A limit that is set higher, or removed, wakes the runs that wait for it when it leaves enough for their next call; one
that is set lower wakes nobody. The first conditional update decides, as between two presses on a card. Whoever changes
limits takes the ledger's hold first and that on the run second, in this order everywhere, so that nobody waits in a
circle.
"""

from dataclasses import replace
from datetime import tzinfo

import prompts
from bot.agent.profile import Profiles
from bot.desk.audit import deed
from bot.desk.budgets import limits_of
from bot.desk.cases import Cases
from bot.desk.ownership import By
from bot.desk.signs import first_sign
from bot.desk.tracing import decided
from bot.desk.waking import timer_key, wake
from bot.domain.budget import EVERY, Account, BudgetChange, Limit
from bot.domain.budget_ask import AskEnd, BudgetAsk
from bot.domain.conversation import Conversation
from bot.domain.effects import Reader
from bot.domain.escalation import Decision, Escalation
from bot.ports.clock import Clock, NewId
from bot.ports.store import Transaction


class TooLateError(Exception):
    """Somebody decided meanwhile; nothing of this attempt stays."""


class GoingOn:
    """Ends the pauses of runs that wait for money, inside the caller's transaction."""

    def __init__(self, cases: Cases, profiles: Profiles, clock: Clock, new_id: NewId, zone: tzinfo) -> None:
        """`zone`: whose days, weeks and months count."""
        self._cases = cases
        self._profiles = profiles
        self._clock = clock
        self._new_id = new_id
        self._zone = zone
        self._sentences = prompts.sentences()

    async def held(self, tx: Transaction, case_id: str) -> BudgetAsk | None:
        """What was asked, while it is unanswered and the run nobody else's.

        Takes hold of the run first, as whoever takes over does.
        """
        ask = await tx.budget_asks.of_case(case_id)
        if ask is None or ask.end is not None or not await tx.runs.hold(ask.run_id):
            return None
        return None if await tx.runs.overtaken([ask.run_id]) else ask

    async def end(
        self, tx: Transaction, ask: BudgetAsk, decision: Decision, by: By, note: str
    ) -> tuple[Escalation, Conversation]:
        """The two conditional updates, and what holds for either answer; TooLateError when it was given already."""
        now, how = self._clock(), AskEnd.ALLOWED if decision is Decision.ALLOW else AskEnd.STOPPED
        ended = await tx.budget_asks.end(ask.case_id, how, at=now)
        case = await tx.escalations.decide(ask.case_id, decision, by=by.user_id, at=now, note=note)
        conversation = await tx.conversations.get(ask.conversation_id)
        if ended is None or case is None or conversation is None:
            raise TooLateError
        await tx.timers.cancel(timer_key(ask.case_id))
        await tx.inbox.reopen(ended.held)
        await wake(tx, ask, how, self._new_id())
        await self._cases.redraw(tx, case)
        await tx.audit.add(deed(case, decision, by.user_id, now, detail=case.note))
        await tx.traces.add(replace(decided(case, decision, now, by=by.name, words=case.note), run_id=ask.run_id))
        return case, conversation

    async def resume(self, tx: Transaction, ask: BudgetAsk, case: Escalation, conversation: Conversation) -> None:
        """The run is taken up again, under a live line of its own."""
        reader = Reader(case.requested_by, case.requested_team)
        sign = first_sign(case.id, conversation, reader)
        if not await tx.runs.resume(ask.run_id, live_key=sign.key):
            raise TooLateError
        await tx.outbox.add(sign)

    async def raised(self, tx: Transaction, team_id: str, change: BudgetChange, by: By) -> int:
        """After a limit was set: let the runs go on that it makes room for; how many. Needs the ledger's hold."""
        woken = 0
        for waiting in await tx.budget_asks.open_of(team_id):
            if not _is_about(waiting.limit, change):
                continue
            ask = await self.held(tx, waiting.case_id)
            if ask is None or not await self._has_room(tx, ask):
                continue
            note = self._note(ask, change)
            await self.resume(tx, ask, *await self.end(tx, ask, Decision.ALLOW, by, note))
            woken += 1
        return woken

    async def _has_room(self, tx: Transaction, ask: BudgetAsk) -> bool:
        """Whether the limit in the way is higher than it was, or gone, and leaves enough for the next call."""
        conversation = await tx.conversations.get(ask.conversation_id)
        run = await tx.runs.get(ask.run_id)
        if conversation is None or run is None:
            return False
        key, profile, now = conversation.key, self._profiles.of(conversation.profile), self._clock()
        account = Account(key.team_id, key.channel_id, run.user_id, conversation.id, run.id)
        limits = await limits_of(tx.ledger, conversation, profile, account, now, self._zone)
        needed = ask.shortfall.wanted + ask.shortfall.kept
        for limit in limits:
            if (limit.scope, limit.subject, limit.period) != (ask.limit.scope, ask.limit.subject, ask.limit.period):
                continue
            left = await tx.ledger.left(account, limit, at=now, zone=self._zone)
            if limit.usd <= ask.limit.usd or left < needed:
                return False
        return True

    def _note(self, ask: BudgetAsk, change: BudgetChange) -> str:
        if change.usd is None:
            return self._sentences["budget_limit_removed"].format(limit=ask.limit)
        limit = Limit(ask.limit.scope, ask.limit.subject, change.usd, change.period)
        return self._sentences["budget_limit_raised"].format(limit=limit)


def _is_about(limit: Limit, change: BudgetChange) -> bool:
    same = (limit.scope, limit.period) == (change.scope, change.period)
    return same and change.subject in (limit.subject, EVERY)
