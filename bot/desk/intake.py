"""What to do with an event at the door: store and dispatch it, in one transaction, before Slack is acknowledged."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.desk.commands import parse_command
from bot.desk.people import People
from bot.domain.conversation import Conversation, Standing, Surface
from bot.domain.effects import Outgoing, Place, Reader, Receipt, Remove, Session, SetSession, ShowLive
from bot.domain.errors import TransientError
from bot.domain.incoming import (
    CarryOn,
    DecisionMade,
    FeedbackGiven,
    Incoming,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    MessagesTabOpened,
    StopPressed,
)
from bot.ports.clock import Clock, NewId
from bot.ports.store import Queued, Store, Transaction

_EARLY_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds until a reply that came too early is looked at again."""
_YOUNG_SECONDS = 15.0
"""A reply written so soon after its thread began may overtake the thread's first message."""
_PATIENCE_SECONDS = 30.0
"""By then the first message is there, or it was not for us."""


class _EarlyError(TransientError):
    """A reply came, but not yet the message that would make the thread ours."""


class Intake:
    """The door of the desk."""

    def __init__(
        self, store: Store, people: People, clock: Clock, new_id: NewId, *, profile_for: dict[str, str], first_sign: str
    ) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._new_id = new_id
        self._profile_for = profile_for
        self._first_sign = first_sign

    async def accept(self, incoming: Incoming) -> bool:
        """True when the event was stored (or done) now; False for twins and for what is not for us.

        TransientError, after a while, for a reply whose thread is so young that its first message may still be on its
        way, perhaps through another replica: Slack shall deliver the reply again.
        """
        for seconds in _EARLY_PAUSES:
            try:
                return await self._accept(incoming)
            except _EarlyError:
                await asyncio.sleep(seconds)
        return await self._accept(incoming)

    async def _accept(self, incoming: Incoming) -> bool:
        async with self._store.write(urgent=True) as tx:
            match incoming:
                case MessageReceived():
                    return await self._message(tx, incoming)
                case MessageEdited():
                    return await self._edit(tx, incoming)
                case MessageDeleted():
                    return await self._delete(tx, incoming)
                case StopPressed():
                    return await self._stop(tx, incoming)
                case _:
                    partition, conversation = _dispatch_of(incoming)
                    return await self._add(tx, incoming, partition=partition, conversation=conversation)

    async def _add(
        self, tx: Transaction, incoming: Incoming, *, partition: str, conversation: str | None = None
    ) -> bool:
        return await tx.inbox.add(self._new_id(), incoming, conversation_id=conversation, partition=partition)

    async def _message(self, tx: Transaction, message: MessageReceived) -> bool:
        may_command = message.mentions_bot or message.surface is Surface.DM
        command = parse_command(message.text, addressed=message.mentions_bot) if may_command else None
        if message.bot_id is not None and not (
            command and self._people.is_allowed_bot(message.bot_id, message.user_id)
        ):
            return False
        if not message.is_root:
            case = await tx.escalations.by_card(Receipt(message.thread.channel_id, message.thread.thread_ts))
            if case is not None:
                return await self._add(tx, message, partition=f"staff:{case.id}")
        conversation = await tx.conversations.get(message.thread.id)
        if conversation is None:
            if not message.mentions_bot and message.surface is not Surface.DM:
                if self._may_be_early(message):
                    raise _EarlyError("a reply came before the first message of its thread")
                return False
            conversation = await self._open(tx, message)
        if command is not None:
            return await self._add(tx, message, partition=f"command:{conversation.id}")
        return await self._question(tx, message, conversation)

    def _may_be_early(self, message: MessageReceived) -> bool:
        if message.is_root or message.bot_id is not None:
            return False
        said = float(message.ts)
        return said - float(message.thread.thread_ts) < _YOUNG_SECONDS and self._clock() - said < _PATIENCE_SECONDS

    async def _question(self, tx: Transaction, message: MessageReceived, conversation: Conversation) -> bool:
        inbox_id = self._new_id()
        is_first = not await tx.inbox.is_waiting(conversation.id)
        stored = await tx.inbox.add(
            inbox_id, message, conversation_id=conversation.id, partition=conversation.id, dispatch=is_first
        )
        expected = message.mentions_bot or message.user_id == conversation.opened_by
        if stored and is_first and expected and conversation.standing is not Standing.HUMAN:
            reader = Reader(message.user_id, message.author_team)
            await tx.outbox.add(first_sign(inbox_id, conversation, self._first_sign, reader))
        return stored

    async def _open(self, tx: Transaction, message: MessageReceived) -> Conversation:
        conversation = Conversation(
            key=message.thread,
            surface=message.surface,
            standing=Standing.BOT,
            owner=None,
            epoch=0,
            profile=self._profile_for.get(message.thread.channel_id, "support"),
            prompt_version="",
            opened_by=message.user_id,
            opened_at=self._clock(),
        )
        await tx.conversations.open(conversation)
        return conversation

    async def _edit(self, tx: Transaction, edit: MessageEdited) -> bool:
        queued = await tx.inbox.message(edit.thread, edit.ts)
        if queued is None or queued.handled or not isinstance(queued.incoming, MessageReceived):
            return False
        old = queued.incoming
        if old.user_id != edit.user_id:
            return False
        await tx.inbox.replace(queued.id, replace(old, text=edit.text))
        return True

    async def _delete(self, tx: Transaction, gone: MessageDeleted) -> bool:
        queued = await tx.inbox.message(gone.thread, gone.ts)
        if queued is None or queued.handled or queued.conversation_id is None:
            return False
        conversation = await tx.conversations.get(queued.conversation_id)
        run = await tx.runs.unfinished(queued.conversation_id)
        if conversation is None or (run is not None and queued.id in run.inbox_ids):
            return False
        await self._drop(tx, conversation, [queued])
        return True

    async def _stop(self, tx: Transaction, stop: StopPressed) -> bool:
        """Stop the run, or what has not become a run yet."""
        if await tx.runs.request_stop(stop.thread.id):
            return True
        conversation = await tx.conversations.get(stop.thread.id)
        if conversation is None:
            return False
        waiting = await tx.inbox.waiting(stop.thread.id)
        if waiting:
            await self._drop(tx, conversation, waiting)
        elif conversation.surface is Surface.DM:  # nothing is going on, whatever Slack shows
            await tx.outbox.add(session(f"session:stop:{self._new_id()}", conversation, Session.ACTIVE))
        return bool(waiting)

    async def _drop(self, tx: Transaction, conversation: Conversation, rows: list[Queued]) -> None:
        """Leave messages unanswered, and take away the signs that they were being worked on."""
        await tx.inbox.mark_handled([row.id for row in rows])
        gone = await remove_signs(tx, conversation, rows)
        if conversation.surface is Surface.DM:
            await tx.outbox.add(session(f"session:{rows[0].id}:off", conversation, Session.ACTIVE, after=gone))


def _dispatch_of(incoming: DecisionMade | FeedbackGiven | MessagesTabOpened | CarryOn) -> tuple[str, str | None]:
    """Partition and conversation of an event. Presses do not queue behind a run: they must work while it runs."""
    match incoming:
        case DecisionMade():
            return f"press:{incoming.escalation_id}", None
        case FeedbackGiven():
            return f"feedback:{incoming.run_id}", None
        case MessagesTabOpened():
            return f"tab:{incoming.user_id}", None
        case CarryOn():
            return incoming.thread.id, incoming.thread.id


def live_key(inbox_id: str) -> str:
    """Outbox key of the live line that the message of this id brought about."""
    return f"live:{inbox_id}"


def first_sign(inbox_id: str, conversation: Conversation, text: str, reader: Reader) -> Outgoing:
    """The live line: the first visible sign of work. In a DM it brings the native status with it."""
    live = ShowLive(place_of(conversation), text, reader=reader if conversation.surface is Surface.DM else None)
    return Outgoing(live_key(inbox_id), live, conversation.id, conversation.id, conversation.epoch)


def session(key: str, conversation: Conversation, status: Session, *, after: str | None = None) -> Outgoing:
    """The native status of a DM's thread; `after`: key of the effect that it follows, and that may bring it along."""
    effect = SetSession(place_of(conversation), status)
    return Outgoing(key, effect, f"session:{conversation.id}", conversation.id, edits=after)


def place_of(conversation: Conversation) -> Place:
    """Where the customer reads."""
    return Place(conversation.key.team_id, conversation.key.channel_id, conversation.key.thread_ts)


async def remove_signs(tx: Transaction, conversation: Conversation, rows: Sequence[Queued]) -> str | None:
    """Take away the live lines these messages brought about; key of the (last) removal, None when there was none.

    A native status that follows must come after it: a line that is just being begun still says `processing`.
    """
    lines = await tx.outbox.known([live_key(row.id) for row in rows])
    removals = [removal(conversation, key) for key in sorted(lines)]
    await tx.outbox.add(*removals)
    return removals[-1].key if removals else None


def removal(conversation: Conversation, key: str) -> Outgoing:
    """Take away a live line nobody needs any more."""
    return Outgoing(f"remove:{key}", Remove(place_of(conversation)), conversation.id, conversation.id, edits=key)
