"""How a turn ends: what the customer reads, what people are asked, what is remembered. One transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import prompts
from bot.agent.confidence import Judgement
from bot.agent.loop import Halt, RunResult
from bot.agent.profile import Profiles
from bot.agent.promises import broken, deeds_of, in_words
from bot.agent.summing_up import plain_summary
from bot.agent.toolbox import Evidence
from bot.desk.alerts import Alerts
from bot.desk.budgets import footer_of
from bot.desk.cases import Cases, case_of_run
from bot.desk.interrupted import end_interrupted
from bot.desk.signs import place_of, removal, session
from bot.desk.standby import reason_of
from bot.desk.unsourced import cause_of, looked_up
from bot.domain.answer import Answer, Outcome
from bot.domain.budget import Shortfall
from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface
from bot.domain.effects import Outgoing, Progress, Session, ShowAnswer
from bot.domain.escalation import Escalation, NewEscalation, Origin, Proposal, State
from bot.domain.exchange import Citation
from bot.domain.incoming import CarryOn, MessageReceived
from bot.domain.principal import Principal
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Queued, Run, Store, Transaction


@dataclass(frozen=True, slots=True)
class Ending:
    """What came out of the work, before it is known whether a person has taken over meanwhile."""

    outcome: Outcome
    steps: int = 0
    text: str = ""
    citations: tuple[Citation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    verdict: Judgement | None = None
    """Of an answer."""
    summary: str = ""
    """For people, when it is not an answer."""
    halt: Halt = Halt.NONE
    """What ended it, when that was not the model's own word."""
    degraded: RunResult | None = None
    """Quotes from the help centre, when no model could be reached."""
    builds_on_live: bool = True
    """False when a late update of the live line could still overwrite what replaces it."""
    progress: Progress | None = None
    """What a stream shows of the steps when it ends."""
    sentence: str = ""
    """Name of the fixed sentence that says it all (empty messages, money that nobody allowed)."""
    shortfall: Shortfall | None = None
    """What the next call would have needed, when money ended it."""

    @classmethod
    def of(cls, result: RunResult, *, verdict: Judgement | None = None, summary: str = "") -> "Ending":
        """The ending of a run of the loop."""
        return cls(
            result.outcome, result.steps, result.text, result.citations, result.evidence, result.why, verdict, summary,
            halt=result.halt, shortfall=result.shortfall,
        )  # fmt: skip

    @classmethod
    def failed(cls, why: str) -> "Ending":
        """The work broke off; nothing more is known."""
        return cls(Outcome.FAILED, why=why)

    @classmethod
    def stopped(cls) -> "Ending":
        """Somebody took over or pressed Stop."""
        return cls(Outcome.STOPPED)

    @classmethod
    def fixed(cls, sentence: str) -> "Ending":
        """A fixed sentence says it all; no model was asked."""
        return cls(Outcome.ANSWERED, sentence=sentence)


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """What is to be done about an ending."""

    outcome: Outcome
    text: str
    citations: tuple[Citation, ...] = ()
    case: NewEscalation | None = None
    asks_feedback: bool = False


_SENTENCES = {
    Outcome.BUDGET_EXHAUSTED: "budget_exhausted",
    Outcome.REFUSED: "refused",
    Outcome.FAILED: "failed",
}


class Endings:
    """Settles turns."""

    def __init__(self, store: Store, cases: Cases, alerts: Alerts, profiles: Profiles, clock: Clock) -> None:
        self._store = store
        self._cases = cases
        self._alerts = alerts
        self._profiles = profiles
        self._clock = clock
        self._sentences = prompts.sentences()

    async def settle(self, run: Run, ending: Ending, rows: Sequence[Queued], asker: Principal | None = None) -> None:
        """Record and show the end of a turn, exactly once."""
        alerts = await self._alerts.due(run)
        async with self._store.write() as tx:
            if not await tx.runs.hold(run.id):  # a take-over under way goes first, and is seen below
                return
            conversation = await tx.conversations.get(run.conversation_id)
            if conversation is None:
                raise LookupError(run.conversation_id)
            await tx.outbox.add(*alerts)
            if await end_interrupted(tx, conversation, run, asker, self._clock()):
                return
            if conversation.epoch != run.epoch:
                ending = replace(ending, outcome=Outcome.STOPPED)
            case = await case_of_run(tx, run.id)
            words = prompts.sentences(conversation.language)
            conclusion = self._conclude(run, ending, case, rows, words)
            conclusion = await self._told(tx, conversation, case, conclusion)
            await tx.runs.finish(run.id, conclusion.outcome)
            await tx.ledger.charge_left_behind(run.id)
            await tx.inbox.mark_handled(run.inbox_ids)
            await self._remember(tx, conversation, rows, asker, conclusion)
            await self._trace(tx, run, ending, conclusion)
            await tx.citations.add(conversation.id, run.id, conclusion.citations, at=self._clock())
            await self._note_gap(tx, run, ending, conclusion, case)
            if conclusion.case is not None:
                await self._cases.open(tx, conclusion.case, conversation, run_id="" if case else run.id)
            if case is not None:
                await self._doubt(tx, case, ending)
            await self._show(tx, conversation, run, ending, conclusion)

    def _conclude(
        self, run: Run, ending: Ending, case: Escalation | None, rows: Sequence[Queued], words: Mapping[str, str]
    ) -> _Conclusion:
        """`words`: the fixed sentences in the customer's language."""
        match ending.outcome:
            case Outcome.STOPPED | Outcome.SUPERSEDED:
                return _Conclusion(Outcome.STOPPED, words[ending.sentence or "stopped"])
            case Outcome.ESCALATED if ending.halt is Halt.SWITCHED_OFF:
                return self._switched_off(run, ending, case, rows, words)
            case Outcome.ANSWERED | Outcome.BUDGET_EXHAUSTED if ending.sentence:
                return _Conclusion(ending.outcome, words[ending.sentence])
            case Outcome.ANSWERED if case is not None:
                return self._escalated(ending, case, words)
            case Outcome.ANSWERED if ending.verdict is not None and ending.verdict.passed:
                return _Conclusion(Outcome.ANSWERED, ending.text, ending.citations, asks_feedback=True)
            case Outcome.ANSWERED:
                new = self._low_confidence(run, ending, rows)
                return _Conclusion(Outcome.AWAITING_APPROVAL, words["awaiting_approval"], case=new)
            case _:
                return self._not_an_answer(run, ending, case, rows, words)

    def _switched_off(
        self, run: Run, ending: Ending, case: Escalation | None, rows: Sequence[Queued], words: Mapping[str, str]
    ) -> _Conclusion:
        """The bot was paused in the middle: people get what it found so far; no model is asked to sum it up."""
        new: NewEscalation | None = None
        if case is None or not case.state.is_live:  # one that was decided already asks nobody any more
            summary = plain_summary(_question(rows), ending.evidence)
            new = replace(_case(run, rows, Origin.PAUSED, reason_of(), summary), id=f"esc-{run.id}-paused")
        return _Conclusion(Outcome.ESCALATED, words["bot_paused"], case=new)

    async def _doubt(self, tx: Transaction, case: Escalation, ending: Ending) -> None:
        """A reply that people are asked to approve may promise: they are told what they would answer for."""
        text = case.proposal.text if case.proposal is not None else ""
        if not text or case.state is not State.OPEN:
            return
        claims = await asyncio.to_thread(broken, text, deeds_of(ending.evidence, case_is_open=True))
        if claims:
            warning = self._sentences["proposal_claims"].format(claims=in_words(claims))
            await self._cases.say_under_card(tx, case, f"claims:{case.id}:{case.version}", warning)

    async def _note_gap(
        self, tx: Transaction, run: Run, ending: Ending, conclusion: _Conclusion, case: Escalation | None
    ) -> None:
        """What the articles had no answer to is for their authors to know; an answer that cites one had its source."""
        proposal = conclusion.case.proposal if conclusion.case else None
        has_source = bool(conclusion.citations or (proposal and proposal.citations))
        if ending.outcome is not Outcome.ANSWERED or has_source:
            return
        if (cause := cause_of(conclusion.outcome, case)) is not None:
            asked = looked_up(ending.evidence)
            await tx.gaps.add(run.conversation_id, run.id, asked, cause, at=self._clock())

    async def _told(
        self, tx: Transaction, conversation: Conversation, case: Escalation | None, conclusion: _Conclusion
    ) -> _Conclusion:
        """With what is true for a customer whose case waits: when the team is there, how many are before them."""
        if (case is None and conclusion.case is None) or conclusion.outcome is Outcome.STOPPED:
            return conclusion
        outlook = await self._cases.outlook(tx, conversation, conclusion.case)
        return replace(conclusion, text=f"{conclusion.text}\n\n{outlook}") if outlook else conclusion

    def _escalated(self, ending: Ending, case: Escalation, words: Mapping[str, str]) -> _Conclusion:
        outcome = Outcome.ESCALATED if case.proposal is None else Outcome.AWAITING_APPROVAL
        if ending.verdict is not None and ending.verdict.passed:
            return _Conclusion(outcome, ending.text, ending.citations)
        return _Conclusion(outcome, words[_asked_for(case)])

    def _low_confidence(self, run: Run, ending: Ending, rows: Sequence[Queued]) -> NewEscalation:
        verdict = ending.verdict
        sure = f"{verdict.confidence:.0%} sure: " if verdict and verdict.confidence is not None else ""
        reason = f"The answer should be checked. {sure}{verdict.reason if verdict else ''}".strip()
        summary = plain_summary(_question(rows), ending.evidence)
        return _case(run, rows, Origin.LOW_CONFIDENCE, reason, summary, Proposal(ending.text, ending.citations))

    def _not_an_answer(
        self, run: Run, ending: Ending, case: Escalation | None, rows: Sequence[Queued], words: Mapping[str, str]
    ) -> _Conclusion:
        text = words[_SENTENCES[ending.outcome]]
        citations: tuple[Citation, ...] = ()
        if ending.degraded is not None:
            text = f"{words['degraded']}\n\n{ending.degraded.text}"
            citations = ending.degraded.citations
        elif ending.halt is Halt.STEPS:
            text = words["steps_exhausted"]
        if case is not None:
            return _Conclusion(ending.outcome, text, citations)
        origin = Origin.BUDGET if ending.outcome is Outcome.BUDGET_EXHAUSTED else Origin.FAILURE
        summary = ending.summary or plain_summary(_question(rows), ending.evidence)
        if ending.text:
            summary = f"{summary}\n\nThe unfinished answer began: {ending.text[:1_000]}"
        reason = f"{ending.outcome.value}: {ending.why}"[:1_000]
        return _Conclusion(ending.outcome, text, citations, _case(run, rows, origin, reason, summary))

    async def _remember(
        self, tx: Transaction, conversation: Conversation, rows: Sequence[Queued], asker: Principal | None,
        conclusion: _Conclusion,
    ) -> None:  # fmt: skip
        name = asker.name if asker else "Customer"
        is_helper = asker is not None and asker.is_staff and asker.user_id != conversation.opened_by
        speaker = Speaker.PERSON if is_helper else Speaker.CUSTOMER
        for row in rows:
            match row.incoming:
                case MessageReceived() as message:
                    line = Line(speaker, name, message.text, self._clock())
                    if conversation.standing is Standing.HUMAN:
                        await self._cases.mirror(tx, conversation, [message], name)
                case CarryOn() as cause:
                    line = Line(Speaker.NOTE, "", cause.note, self._clock())
                case _:
                    continue
            await tx.conversations.add_lines(conversation.id, line)
        if conclusion.outcome is not Outcome.STOPPED:
            await tx.conversations.add_lines(conversation.id, Line(Speaker.BOT, "", conclusion.text, self._clock()))

    async def _show(
        self, tx: Transaction, conversation: Conversation, run: Run, ending: Ending, conclusion: _Conclusion
    ) -> None:
        superseded = conversation.epoch != run.epoch
        gone: str | None = None
        if run.live_key is not None and (superseded or not ending.builds_on_live):
            line = removal(conversation, run.live_key)
            await tx.outbox.add(line)
            gone = line.key
        waits = not superseded and conclusion.outcome not in (Outcome.ANSWERED, Outcome.STOPPED)
        status = Session.SUSPENDED if waits else Session.ACTIVE
        key = f"answer:{run.id}"
        if not superseded:
            footer = await footer_of(tx.ledger, conversation, self._profiles, steps=ending.steps)
            feedback = run.id if conclusion.asks_feedback else ""
            answer = Answer(conclusion.text, conclusion.citations, footer, feedback, conversation.language)
            shown = ShowAnswer(place_of(conversation), answer, progress=ending.progress, session=status)
            await tx.outbox.add(
                Outgoing(
                    key, shown, conversation.id, conversation.id, conversation.epoch,
                    edits=run.live_key if ending.builds_on_live else None,
                )
            )  # fmt: skip
        if conversation.surface is Surface.DM:
            after = gone if superseded else key
            await tx.outbox.add(session(f"session:{run.id}:end", conversation, status, after=after))

    async def _trace(self, tx: Transaction, run: Run, ending: Ending, conclusion: _Conclusion) -> None:
        verdict = ending.verdict
        got = f"confidence {verdict.confidence}: {verdict.reason}" if verdict else ending.why
        ended = TraceEvent(
            run.conversation_id, run.id, ending.steps, Action.DECISION, conclusion.outcome, self._clock(), got=got,
            ok=conclusion.outcome is not Outcome.FAILED, duration_ms=int((self._clock() - run.started_at) * 1000),
        )  # fmt: skip
        if conclusion.outcome is Outcome.FAILED:
            kind = "broken_off" if ending.halt is Halt.NONE else ending.halt.value
            await tx.traces.add(replace(ended, action=Action.ERROR, name=kind, error=kind, duration_ms=0))
        await tx.traces.add(ended)


def _case(
    run: Run, rows: Sequence[Queued], origin: Origin, reason: str, summary: str, proposal: Proposal | None = None
) -> NewEscalation:
    teams = [row.incoming.author_team for row in rows if isinstance(row.incoming, MessageReceived | CarryOn)]
    return NewEscalation(
        f"esc-{run.id}", run.conversation_id, origin, reason, summary, None, proposal, run.user_id,
        teams[0] if teams else "",
    )  # fmt: skip


def _asked_for(case: Escalation) -> str:
    """Name of the sentence that says what people were asked for."""
    if case.proposal is None:
        return "escalated"
    return "awaiting_approval" if case.proposal.call is None else "awaiting_consent"


def _question(rows: Sequence[Queued]) -> str:
    return "\n\n".join(row.incoming.text for row in rows if isinstance(row.incoming, MessageReceived))
