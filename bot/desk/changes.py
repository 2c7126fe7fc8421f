"""Edits and deletions of what people asked: at any moment, exactly as if they had written it so from the start.

A message that waits is replaced or dropped. One that is worked on stops its run: an edited question is asked anew by
another run (one answer, the money of the first run settled), a deleted one leaves nothing behind. After the answer an
edit is noted for later turns and a deletion takes the words out of the transcript. In every case a proposal that stands
on the old words is withdrawn. Events that come twice, or in the wrong order, change nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

import prompts
from bot.desk.cases import Cases, case_of_run
from bot.desk.overtaking import overtake_call
from bot.desk.signs import remove_signs, session
from bot.desk.waking import wake_paused
from bot.domain.conversation import RETOLD, Conversation, Line, Speaker, Surface
from bot.domain.effects import Session
from bot.domain.escalation import Escalation, State
from bot.domain.incoming import CarryOn, MessageDeleted, MessageEdited, MessageReceived
from bot.domain.interruption import StopWhy
from bot.ports.clock import Clock, NewId
from bot.ports.store import Queued, Run, Transaction

MOST_RESTARTS = 5
"""A question that is edited more often while it is worked on is answered as it read then."""
NOTED_CHARS = 500


class Changes:
    """Carries changes of messages out, inside the caller's transaction."""

    def __init__(self, cases: Cases, clock: Clock, new_id: NewId) -> None:
        self._cases = cases
        self._clock = clock
        self._new_id = new_id
        self._sentences = prompts.sentences()

    async def edit(self, tx: Transaction, queued: Queued, old: MessageReceived, edit: MessageEdited) -> bool:
        """Let a stored question read otherwise; False when that changes nothing."""
        is_old = bool(edit.edited_at) and edit.edited_at <= old.edited_at
        is_same = old.text == edit.text and edit.asks_again is None
        if queued.conversation_id is None or old.user_id != edit.user_id or is_old or is_same or old.is_deleted:
            return False
        if not await self._is_new(tx, replace(edit, text="", asks_again=None)):
            return False
        new = replace(
            old, text=edit.text, edited_at=edit.edited_at,
            mentions_bot=old.mentions_bot or edit.asks_again is not None,
        )  # fmt: skip
        is_running = await self._interrupt(tx, queued, queued.conversation_id, StopWhy.EDITED)
        if not is_running and await _is_handled(tx, queued):
            await self._note_edit(tx, queued.conversation_id, old, new)
        await tx.inbox.replace(queued.id, new, handled=True)
        await self._withdraw(tx, queued, queued.conversation_id, self._sentences["withdrawn_edited"])
        return True

    async def delete(self, tx: Transaction, queued: Queued, old: MessageReceived, gone: MessageDeleted) -> bool:
        """Forget a stored question; False when it is forgotten already."""
        conversation = await tx.conversations.get(queued.conversation_id) if queued.conversation_id else None
        if conversation is None or old.is_deleted or not await self._is_new(tx, gone):
            return False
        is_running = await self._interrupt(tx, queued, conversation.id, StopWhy.DELETED)
        await tx.inbox.replace(queued.id, replace(old, text="", quoted="", files=(), is_deleted=True), handled=True)
        if not is_running and await _is_handled(tx, queued):
            await tx.conversations.amend_line(conversation.id, old.text, None)
        elif not is_running:
            await drop(tx, conversation, [queued])
        await self._withdraw(tx, queued, conversation.id, self._sentences["withdrawn_deleted"])
        return True

    async def _is_new(self, tx: Transaction, change: MessageEdited | MessageDeleted) -> bool:
        """Keep the event's id, so that its redelivery is known; nobody has to handle it."""
        inbox_id = self._new_id()
        is_new = await tx.inbox.add(inbox_id, change, conversation_id=None, partition="", dispatch=False)
        await tx.inbox.mark_handled([inbox_id])
        return is_new

    async def _interrupt(self, tx: Transaction, queued: Queued, conversation_id: str, why: StopWhy) -> bool:
        """Stop the run that works on a message; False when none does (any more)."""
        run = await tx.runs.unfinished(conversation_id) or await tx.runs.paused(conversation_id)
        if run is None or queued.id not in run.inbox_ids:
            return False
        if why is StopWhy.EDITED and len(await tx.runs.answering(conversation_id, queued.id)) > MOST_RESTARTS:
            return False
        if why is StopWhy.DELETED and await self._has_others(tx, run, queued):
            why = StopWhy.EDITED
        if not await tx.runs.request_stop(conversation_id, why):
            return False
        await wake_paused(tx, conversation_id, self._new_id())
        return True

    async def _has_others(self, tx: Transaction, run: Run, queued: Queued) -> bool:
        """Whether the run answers other messages, too."""
        rows = [await tx.inbox.get(inbox_id) for inbox_id in run.inbox_ids if inbox_id != queued.id]
        return any(row is not None and not is_deleted(row) for row in rows)

    async def _note_edit(
        self, tx: Transaction, conversation_id: str, old: MessageReceived, new: MessageReceived
    ) -> None:
        if not await tx.conversations.amend_line(conversation_id, old.text, new.text):
            return
        note = f"The customer edited an earlier message after it was answered. Before it read: {old.text[:NOTED_CHARS]}"
        await tx.conversations.add_lines(conversation_id, Line(Speaker.NOTE, RETOLD, note, self._clock()))

    async def _withdraw(self, tx: Transaction, queued: Queued, conversation_id: str, why: str) -> None:
        """Take the proposal that stands on a message off its card; an approved call that waits is not made."""
        await overtake_call(tx, conversation_id)
        for run in await tx.runs.answering(conversation_id, queued.id):
            case = await case_of_run(tx, run.id)
            if case is not None and case.state is State.OPEN:
                return await self._cases.withdraw_proposal(tx, case, why)
        case = await tx.escalations.live(conversation_id)
        if case is not None and case.state is State.OPEN and await _follows_decision(tx, case, queued):
            await self._cases.withdraw_proposal(tx, case, why)
        return None


async def _follows_decision(tx: Transaction, case: Escalation, queued: Queued) -> bool:
    """Whether a case was opened for the author of a message by a run that went on after a decision: then all that they
    have asked is its question."""
    run = await tx.runs.get(case.id.removeprefix("esc-"))
    rows = [await tx.inbox.get(inbox_id) for inbox_id in run.inbox_ids] if run is not None else []
    goes_on = any(row is not None and isinstance(row.incoming, CarryOn) for row in rows)
    return goes_on and isinstance(queued.incoming, MessageReceived) and queued.incoming.user_id == case.requested_by


async def _is_handled(tx: Transaction, queued: Queued) -> bool:
    """As it is now: the run that was to be stopped may have ended while this transaction waited for it."""
    now = await tx.inbox.get(queued.id)
    return now is not None and now.handled


async def drop(tx: Transaction, conversation: Conversation, rows: list[Queued]) -> None:
    """Leave messages unanswered, and take away the signs that they were being worked on."""
    await tx.inbox.mark_handled([row.id for row in rows])
    gone = await remove_signs(tx, conversation, rows)
    if conversation.surface is Surface.DM:
        await tx.outbox.add(session(f"session:{rows[0].id}:off", conversation, Session.ACTIVE, after=gone))


def notes_of(rows: Sequence[Queued], at: float) -> list[Line]:
    """What the desk wanted the agent to know; kept for later when the agent does not work on it now."""
    causes = (row.incoming for row in rows)
    return [Line(Speaker.NOTE, "", cause.note, at) for cause in causes if isinstance(cause, CarryOn)]


def is_deleted(row: Queued) -> bool:
    """Whether a message was taken back by its author."""
    return isinstance(row.incoming, MessageReceived) and row.incoming.is_deleted
