"""What people are told about a cause that was given up, however little of the desk still works."""

import prompts
from bot.desk.cases import Cases
from bot.desk.signs import place_of, remove_signs, session
from bot.domain.answer import Outcome
from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface
from bot.domain.effects import Outgoing, Place, Session, ShowNotice, Whisper
from bot.domain.escalation import NewEscalation, Origin
from bot.domain.incoming import CallApproved, CarryOn, DecisionMade, MessageReceived
from bot.domain.trace import Action, TraceEvent
from bot.ports.clock import Clock
from bot.ports.store import Queued, Run, Store, Transaction


class LastWords:
    """Parks causes. Asks neither Slack nor a model: whatever made the cause fail must not make this fail, too."""

    def __init__(self, store: Store, cases: Cases, clock: Clock) -> None:
        self._store = store
        self._cases = cases
        self._clock = clock
        self._sentences = prompts.sentences()

    async def say(self, inbox_id: str) -> None:
        """Tell whoever waits, put a customer's question before people, and park the cause; all of it or nothing."""
        async with self._store.write() as tx:
            queued = await tx.inbox.get(inbox_id)
            if queued is None or queued.handled:
                return
            match queued.incoming:
                case MessageReceived() | CarryOn() if queued.conversation_id is not None:
                    if not await self._end_turn(tx, queued, queued.conversation_id):
                        return
                case DecisionMade() as press:
                    place = Place(press.team_id, press.channel_id, press.thread_ts)
                    await self._whisper(tx, queued, place, press.user_id)
                case CallApproved() as approved:
                    await self._call(tx, queued, approved)
                case MessageReceived() as command if queued.conversation_id is None:
                    thread = command.thread
                    place = Place(thread.team_id, thread.channel_id, thread.thread_ts)
                    await self._whisper(tx, queued, place, command.user_id)
                case _:
                    pass
            await tx.inbox.park([inbox_id])

    async def _call(self, tx: Transaction, queued: Queued, approved: CallApproved) -> None:
        """Whoever approved a call must not believe that it was surely made."""
        case = await tx.escalations.get(approved.escalation_id)
        if case is None or case.proposal is None or case.proposal.call is None:
            return
        text = self._sentences["call_failed"].format(
            tool=case.proposal.call.tool, result=self._sentences["call_unknown"]
        )
        await self._cases.say_under_card(tx, case, f"parked:{queued.id}", text)

    async def _whisper(self, tx: Transaction, queued: Queued, place: Place, user_id: str) -> None:
        effect = Whisper(place, user_id, self._sentences["press_failed"])
        await tx.outbox.add(Outgoing(f"parked:{queued.id}", effect, f"whisper:{place.team_id}:{user_id}"))

    async def _end_turn(self, tx: Transaction, queued: Queued, conversation_id: str) -> bool:
        """False when another process has ended the turn meanwhile: then everything is said already."""
        run = await tx.runs.unfinished(conversation_id)
        if run is not None and not await tx.runs.hold(run.id):
            return False
        conversation = await tx.conversations.get(conversation_id)
        if conversation is None:
            return True
        inbox_ids = run.inbox_ids if run is not None else (queued.id,)
        if run is not None:
            await tx.runs.finish(run.id, Outcome.FAILED)
            await tx.ledger.charge_left_behind(run.id)
            await tx.traces.add(self._ended(run))
        rows = [row for inbox_id in inbox_ids if (row := await tx.inbox.get(inbox_id)) is not None]
        await tx.inbox.mark_handled(inbox_ids)
        gone = await remove_signs(tx, conversation, rows)
        kept = [row.incoming for row in rows if isinstance(row.incoming, MessageReceived)]
        messages = [message for message in kept if not message.is_deleted]
        at = self._clock()
        words = (Line(Speaker.CUSTOMER, "Customer", message.text, at) for message in messages)
        await tx.conversations.add_lines(conversation_id, *words)
        if conversation.standing is Standing.HUMAN:
            await self._cases.mirror(tx, conversation, messages, "Customer")
        else:
            await self._hand_over(tx, queued, conversation, messages)
        if conversation.surface is Surface.DM:
            status = Session.ACTIVE if conversation.standing is Standing.HUMAN else Session.SUSPENDED
            await tx.outbox.add(session(f"session:{queued.id}:parked", conversation, status, after=gone))
        return True

    def _ended(self, run: Run) -> TraceEvent:
        """The row every run ends with; each attempt that failed has one of its own already."""
        at = self._clock()
        return TraceEvent(
            run.conversation_id, run.id, 0, Action.DECISION, Outcome.FAILED, at, got="it broke off again and again",
            ok=False, error="given_up", duration_ms=int((at - run.started_at) * 1000),
        )  # fmt: skip

    async def _hand_over(
        self, tx: Transaction, queued: Queued, conversation: Conversation, messages: list[MessageReceived]
    ) -> None:
        sentence = prompts.sentences(conversation.language)["failed"]
        notice = ShowNotice(place_of(conversation), sentence)
        await tx.outbox.add(
            Outgoing(f"parked:{queued.id}", notice, conversation.id, conversation.id, conversation.epoch)
        )
        await tx.conversations.add_lines(conversation.id, Line(Speaker.BOT, "", sentence, self._clock()))
        asker = messages[0] if messages else None
        words = "\n\n".join(message.text for message in messages) or "(the work on an earlier question went on)"
        new = NewEscalation(
            f"esc-parked-{queued.id}", conversation.id, Origin.FAILURE,
            "failed: the work on this broke off again and again for technical reasons.",
            f"The customer wrote:\n\n{words}",
            requested_by=asker.user_id if asker else conversation.opened_by,
            requested_team=asker.author_team if asker else conversation.key.team_id,
        )  # fmt: skip
        await self._cases.open(tx, new, conversation)
