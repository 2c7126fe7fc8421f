"""Runs that stop for money and wait: begun, kept and ended under the conversation's lease. See `bot.domain.budget_ask`.

While a run is paused its conversation waits with it. What is written meanwhile is shown under the card, and the
customer reads once that a colleague has been asked; once the pause is over it is the next turn. What people decide
comes by `bot.desk.allowing`; a take-over, or the customer's Stop, ends the pause, too.
"""

from collections.abc import Sequence
from dataclasses import replace

import prompts
from bot.agent.profile import Profiles
from bot.agent.summing_up import plain_summary
from bot.desk.audit import deed
from bot.desk.budgets import footer_of
from bot.desk.case_clocks import nobody_key
from bot.desk.cases import Cases
from bot.desk.deadlines import Deadlines
from bot.desk.endings import Ending
from bot.desk.signs import place_of, removal, remove_signs, session
from bot.desk.waking import timer_key
from bot.domain.answer import Answer, Outcome
from bot.domain.budget import Limit, Shortfall
from bot.domain.budget_ask import RAISABLE, AskEnd, BudgetAsk
from bot.domain.conversation import Conversation, Surface
from bot.domain.effects import Outgoing, Session, ShowAnswer, ShowNotice
from bot.domain.escalation import Decision, Escalation, NewEscalation, Origin, State
from bot.domain.incoming import BudgetAskExpired, MessageReceived
from bot.domain.money import show_usd
from bot.domain.principal import Principal
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Queued, Run, Store, Transaction

_SENTENCE = {AskEnd.STOPPED: "budget_stopped", AskEnd.EXPIRED: "budget_expired"}


class BudgetPauses:
    """Pauses runs for money, and tells when that is over."""

    def __init__(
        self, store: Store, cases: Cases, deadlines: Deadlines, profiles: Profiles, clock: Clock,
        *, ceiling: Limit | None = None,
    ) -> None:  # fmt: skip
        """`ceiling`: what nobody in the workspace can raise."""
        self._store = store
        self._cases = cases
        self._deadlines = deadlines
        self._profiles = profiles
        self._clock = clock
        self._ceiling = ceiling
        self._sentences = prompts.sentences()

    async def begin(self, run: Run, ending: Ending, rows: Sequence[Queued], asker: Principal) -> bool:
        """Pause a run that only lacks money people may allow; False when it has to end.

        A conversation that is before people already needs no second question: then the run ends as ever.
        """
        shortfall = ending.shortfall
        if ending.outcome is not Outcome.BUDGET_EXHAUSTED or shortfall is None or not self._is_raisable(shortfall):
            return False
        async with self._store.write() as tx:
            if not await tx.runs.hold(run.id):
                return True
            conversation = await tx.conversations.get(run.conversation_id)
            asked = await tx.escalations.live(run.conversation_id)
            if conversation is None or asked is not None or await tx.runs.overtaken([run.id]):
                return False
            case = await self._cases.open(tx, await self._case(tx, run, ending, shortfall, rows, asker), conversation)
            await self._ask(tx, run, case, conversation, shortfall)
            await self._show(tx, run, case, conversation, ending)
        return True

    async def paused(self, conversation_id: str) -> Run | None:
        """The run of a conversation that waits for money."""
        async with self._store.read() as tx:
            return await tx.runs.paused(conversation_id)

    async def ending_of(self, run: Run) -> Ending | None:
        """How a paused run ends; None while it waits."""
        async with self._store.write() as tx:
            ask = await tx.budget_asks.of_run(run.id)
            if ask is None:
                return Ending.failed("nobody was asked about its money")
            if ask.end is None and await tx.runs.overtaken([run.id]):
                await self._end_overtaken(tx, run, ask)
                return Ending.stopped()
            is_told = await tx.outbox.known([nobody_key(ask.case_id)])
        match ask.end:
            case None:
                return None
            case AskEnd.STOPPED:
                return Ending(Outcome.STOPPED, sentence=_SENTENCE[ask.end])
            case AskEnd.EXPIRED:
                sentence = "budget_expired_told" if is_told else _SENTENCE[ask.end]
                return Ending(Outcome.BUDGET_EXHAUSTED, sentence=sentence)
            case AskEnd.ALLOWED | AskEnd.OVERTAKEN:
                return Ending.stopped()

    async def hold_back(self, run: Run, waiting: Sequence[tuple[Queued, str]]) -> bool:
        """Put aside what was written while a run waits, by whom; False when the pause has just ended."""
        async with self._store.write() as tx:
            ask = await tx.budget_asks.of_run(run.id)
            conversation = await tx.conversations.get(run.conversation_id)
            rows = [row for row, _ in waiting]
            if ask is None or conversation is None or not await tx.budget_asks.hold(ask.case_id, [r.id for r in rows]):
                return False
            await tx.inbox.mark_handled([row.id for row in rows])
            for row, name in waiting:
                if isinstance(row.incoming, MessageReceived):
                    await self._cases.mirror(tx, conversation, [row.incoming], name)
            gone = await remove_signs(tx, conversation, rows)
            notice = ShowNotice(place_of(conversation), prompts.sentences(conversation.language)["budget_waiting"])
            key = f"waiting:{ask.case_id}"
            await tx.outbox.add(Outgoing(key, notice, conversation.id, conversation.id, conversation.epoch))
            if conversation.surface is Surface.DM:
                off = f"session:{rows[0].id}:held"
                await tx.outbox.add(session(off, conversation, Session.SUSPENDED, after=gone))
        return True

    def _is_raisable(self, shortfall: Shortfall) -> bool:
        return shortfall.limit.scope in RAISABLE and shortfall.limit != self._ceiling

    async def _case(
        self, tx: Transaction, run: Run, ending: Ending, shortfall: Shortfall, rows: Sequence[Queued], asker: Principal
    ) -> NewEscalation:
        before = await tx.budget_asks.of_run(run.id)
        number = int(before.case_id.rpartition("-")[2]) + 1 if before else 1
        question = "\n\n".join(row.incoming.text for row in rows if isinstance(row.incoming, MessageReceived))
        return NewEscalation(
            f"esc-{run.id}-{number}", run.conversation_id, Origin.BUDGET, _why(shortfall),
            ending.summary or plain_summary(question, ending.evidence), None, None, run.user_id, asker.team_id,
        )  # fmt: skip

    async def _ask(
        self, tx: Transaction, run: Run, case: Escalation, conversation: Conversation, shortfall: Shortfall
    ) -> None:
        now = self._clock()
        await tx.runs.pause(run.id, at=now)
        await tx.ledger.charge_left_behind(run.id)
        await tx.inbox.mark_handled(run.inbox_ids)
        await tx.budget_asks.open(BudgetAsk(case.id, run.id, conversation.id, shortfall, now))
        cause = BudgetAskExpired(case.id, conversation.key.team_id)
        due_at = self._deadlines.from_now(conversation.profile)
        await tx.timers.set(timer_key(case.id), cause, due_at=due_at, partition=f"press:{case.id}")
        event = TraceEvent(conversation.id, run.id, 0, Action.DECISION, "paused", now, got=case.reason)
        await tx.traces.add(replace(event, ref=case.id))

    async def _show(
        self, tx: Transaction, run: Run, case: Escalation, conversation: Conversation, ending: Ending
    ) -> None:
        """The honest sentence, in place of the live line."""
        if run.live_key is not None and not ending.builds_on_live:
            await tx.outbox.add(removal(conversation, run.live_key))
        footer = await footer_of(tx.ledger, conversation, self._profiles, steps=ending.steps)
        sentence = prompts.sentences(conversation.language)["budget_paused"]
        text = f"{sentence} {await self._cases.outlook(tx, conversation)}".strip()
        answer = Answer(text, (), footer, language=conversation.language)
        shown = ShowAnswer(place_of(conversation), answer, progress=ending.progress, session=Session.SUSPENDED)
        key = f"budget:{case.id}"
        await tx.outbox.add(
            Outgoing(
                key, shown, conversation.id, conversation.id, conversation.epoch,
                edits=run.live_key if ending.builds_on_live else None,
            )
        )  # fmt: skip
        if conversation.surface is Surface.DM:
            off = f"session:{case.id}:paused"
            await tx.outbox.add(session(off, conversation, Session.SUSPENDED, after=key))

    async def _end_overtaken(self, tx: Transaction, run: Run, ask: BudgetAsk) -> None:
        """Somebody took over: what was written meanwhile is theirs. The customer pressed Stop (or changed the question,
        or muted the thread): so nobody is asked, and what was written meanwhile has its turn."""
        now = self._clock()
        await tx.budget_asks.end(ask.case_id, AskEnd.OVERTAKEN, at=now)
        await tx.timers.cancel(timer_key(ask.case_id))
        await tx.inbox.reopen(ask.held)
        conversation = await tx.conversations.get(run.conversation_id)
        if conversation is not None and conversation.epoch != run.epoch:
            return
        case = await tx.escalations.get(ask.case_id)
        if case is not None and case.state is State.OPEN:
            note = self._sentences["budget_not_needed"]
            voided = await tx.escalations.decide(case.id, Decision.VOID, by="", at=now, note=note)
            if voided is not None:
                await self._cases.redraw(tx, voided)
                await tx.audit.add(deed(voided, Decision.VOID, "", now, detail=note))


def _why(shortfall: Shortfall) -> str:
    return (
        f"The next step could cost up to {show_usd(shortfall.wanted)}. That is more than is left of {shortfall.limit}, "
        f"of which {show_usd(shortfall.used)} is used. Nothing more is spent until somebody decides."
    )
