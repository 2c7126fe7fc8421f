"""Who owns a conversation: taking it over, handing it back, closing it. Every change raises the owner epoch."""

from dataclasses import dataclass

import prompts
from bot.desk.handed_back import note_of
from bot.desk.rating import ask_rating
from bot.desk.signs import place_of, removal, remove_signs, session
from bot.desk.waking import wake_paused
from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface
from bot.domain.effects import Outgoing, Session, ShowNotice
from bot.domain.escalation import Escalation
from bot.domain.handover import Handback
from bot.domain.incoming import CarryOn
from bot.ports.clock import Clock, NewId, sortable_id
from bot.ports.store import Transaction

_TOOK_OVER = " took over."
RESOLVED = " resolved it."
"""End of the note in the transcript."""
_LINES = 500
"""Of the transcript, in which the beginning of the human part is looked for."""


@dataclass(frozen=True, slots=True)
class By:
    """Who decided."""

    user_id: str
    name: str


class Ownership:
    """Moves a conversation between the bot and people, inside the caller's transaction."""

    def __init__(self, clock: Clock, new_id: NewId = sortable_id) -> None:
        self._clock = clock
        self._new_id = new_id

    async def take_over(self, tx: Transaction, conversation: Conversation, by: By, case_id: str) -> None:
        """Give a conversation to a person: from this transaction on the bot is silent in it."""
        # The request comes first: it waits for a run that is being settled right now, whose line is an answer then.
        stopping = await tx.runs.request_stop(conversation.id)
        run = await tx.runs.unfinished(conversation.id) if stopping else None
        now = await tx.conversations.set_owner(conversation.id, Standing.HUMAN, by.user_id)
        await wake_paused(tx, now.id, self._new_id())
        gone = await remove_signs(tx, now, await tx.inbox.waiting(conversation.id))
        if run is not None and run.live_key is not None:
            line = removal(now, run.live_key)
            await tx.outbox.add(line)
            gone = line.key
        await self.set_session(tx, now, f"{case_id}:{now.epoch}:taken", Session.ACTIVE, after=gone)
        text = prompts.sentences(now.language)["taken_over"].format(person=by.name)
        await self._say(tx, now, f"taken:{case_id}:{now.epoch}", text)
        await tx.conversations.add_lines(now.id, Line(Speaker.NOTE, "", f"{by.name}{_TOOK_OVER}", self._clock()))

    async def hand_back(
        self, tx: Transaction, conversation: Conversation, by: By, case_id: str, note: str, *, next_step: str = ""
    ) -> None:
        """Return a conversation to the bot, which knows what the person did; with a next step it begins at once."""
        case = await tx.escalations.get(case_id)
        now = await tx.conversations.set_owner(conversation.id, Standing.BOT, None)
        text = prompts.sentences(now.language)["handed_back"].format(person=by.name)
        await self._say(tx, now, f"back:{case_id}:{now.epoch}", text)
        back = Handback(
            now.id, now.epoch, by.user_id, by.name, case.reason if case else "", await _since(tx, now.id),
            self._clock(), note, next_step,
        )  # fmt: skip
        await tx.handbacks.add(back)
        await tx.conversations.add_lines(now.id, Line(Speaker.NOTE, "", note_of(back), self._clock()))
        if next_step:
            asker, team = (case.requested_by, case.requested_team) if case else ("", "")
            words = f"{by.name}, a human colleague, asks you to do this now: {next_step}"
            cause = CarryOn(now.key, f"handed_back:{now.id}:{now.epoch}", words, asker, team)
            await tx.inbox.add(self._new_id(), cause, conversation_id=now.id, partition=now.id)

    async def resolve(self, tx: Transaction, case: Escalation, conversation: Conversation, by: By) -> None:
        """Close a conversation, and ask how it went: it opens again with the next customer message."""
        now = await tx.conversations.set_owner(conversation.id, Standing.CLOSED, None)
        text = prompts.sentences(now.language)["resolved"].format(person=by.name)
        await self._say(tx, now, f"resolved:{case.id}", text)
        await tx.outbox.add(ask_rating(case, now, place_of(now)))
        await tx.conversations.add_lines(now.id, Line(Speaker.NOTE, "", f"{by.name}{RESOLVED}", self._clock()))
        await self.set_session(tx, now, f"{case.id}:closed", Session.CLOSED)

    async def _say(self, tx: Transaction, conversation: Conversation, key: str, text: str) -> None:
        notice = ShowNotice(place_of(conversation), text)
        await tx.outbox.add(Outgoing(key, notice, conversation.id, conversation.id, conversation.epoch))

    async def set_session(
        self, tx: Transaction, conversation: Conversation, key: str, status: Session, *, after: str | None = None
    ) -> None:
        """Set the native status of a DM; nothing elsewhere."""
        if conversation.surface is Surface.DM:
            await tx.outbox.add(session(f"session:{key}", conversation, status, after=after))


async def _since(tx: Transaction, conversation_id: str) -> float:
    """When the person who has the conversation took it over; 0 when that is no longer known."""
    lines = reversed(await tx.conversations.lines(conversation_id, _LINES))
    return next((line.at for line in lines if line.speaker is Speaker.NOTE and line.text.endswith(_TOOK_OVER)), 0.0)
