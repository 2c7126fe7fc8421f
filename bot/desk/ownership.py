"""Who owns a conversation: taking it over, handing it back, closing it. Every change raises the owner epoch."""

from dataclasses import dataclass

import prompts
from bot.desk.intake import place_of, removal, remove_signs, session
from bot.domain.conversation import Conversation, Line, Speaker, Standing, Surface
from bot.domain.effects import Outgoing, Session, ShowNotice
from bot.domain.escalation import Escalation
from bot.ports.clock import Clock
from bot.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class By:
    """Who decided."""

    user_id: str
    name: str


class Ownership:
    """Moves a conversation between the bot and people, inside the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sentences = prompts.sentences()

    async def take_over(self, tx: Transaction, conversation: Conversation, by: By, case_id: str) -> None:
        """Give a conversation to a person: from this transaction on the bot is silent in it."""
        # The request comes first: it waits for a run that is being settled right now, whose line is an answer then.
        stopping = await tx.runs.request_stop(conversation.id)
        run = await tx.runs.unfinished(conversation.id) if stopping else None
        now = await tx.conversations.set_owner(conversation.id, Standing.HUMAN, by.user_id)
        gone = await remove_signs(tx, now, await tx.inbox.waiting(conversation.id))
        if run is not None and run.live_key is not None:
            line = removal(now, run.live_key)
            await tx.outbox.add(line)
            gone = line.key
        await self.set_session(tx, now, f"{case_id}:{now.epoch}:taken", Session.ACTIVE, after=gone)
        text = self._sentences["taken_over"].format(person=by.name)
        await self._say(tx, now, f"taken:{case_id}:{now.epoch}", text)
        await tx.conversations.add_lines(now.id, Line(Speaker.NOTE, "", f"{by.name} took over.", self._clock()))

    async def hand_back(self, tx: Transaction, conversation: Conversation, by: By, case_id: str, note: str) -> None:
        """Return a conversation to the bot, with what the person did as a note for the model."""
        now = await tx.conversations.set_owner(conversation.id, Standing.BOT, None)
        await self._say(tx, now, f"back:{case_id}:{now.epoch}", self._sentences["handed_back"].format(person=by.name))
        did = f" What was done: {note}" if note else ""
        text = f"{by.name} handed the conversation back.{did}"
        await tx.conversations.add_lines(now.id, Line(Speaker.NOTE, "", text, self._clock()))

    async def resolve(self, tx: Transaction, case: Escalation, conversation: Conversation, by: By) -> None:
        """Close a conversation: it opens again with the next customer message."""
        now = await tx.conversations.set_owner(conversation.id, Standing.CLOSED, None)
        await self._say(tx, now, f"resolved:{case.id}", self._sentences["resolved"].format(person=by.name))
        await tx.conversations.add_lines(now.id, Line(Speaker.NOTE, "", f"{by.name} resolved it.", self._clock()))
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
