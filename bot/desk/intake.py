"""What to do with an event at the door: store and dispatch it, in one transaction, before Slack is acknowledged."""

import asyncio
from dataclasses import replace

from bot.desk.cases import Cases
from bot.desk.changes import Changes
from bot.desk.commands import AllowChannel, Command, Quiet, parse_command
from bot.desk.door import Door
from bot.desk.doorway import STAFF_LANE, lane_of, lane_of_change, lane_of_reaction, seems_to_answer, spoken_by
from bot.desk.hearing import discreet
from bot.desk.people import People
from bot.desk.signs import first_sign
from bot.desk.stopping import Stopping
from bot.domain.case_due import CaseDue
from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.effects import Reader, Receipt
from bot.domain.errors import TransientError
from bot.domain.incoming import (
    CarryOn,
    ColleagueSpoke,
    DecisionMade,
    FeedbackGiven,
    HomeOpened,
    Incoming,
    LessonChosen,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    MessagesTabOpened,
    ProposalEdited,
    ProposalExpired,
    QuestionAsked,
    Rated,
    Reacted,
    StopPressed,
)
from bot.domain.language import language_of
from bot.domain.redaction import Redactor, Redactors
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
        self, store: Store, people: People, cases: Cases, clock: Clock, new_id: NewId, *, profile_for: dict[str, str],
        redactors: Redactors | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._people = people
        self._clock = clock
        self._new_id = new_id
        self._profile_for = profile_for
        self._redactors = redactors or Redactors()
        self._door = Door(people, clock)
        self._changes = Changes(cases, clock, new_id)
        self._stopping = Stopping(store, people, clock, new_id)

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
                case MessageEdited() | MessageDeleted():
                    return await self._change(tx, incoming)
                case StopPressed():
                    return await self._stopping.at_the_door(tx, incoming)
                case Reacted():
                    lane = await lane_of_reaction(tx, incoming)
                    return lane is not None and await self._add(tx, incoming, partition=lane)
                case ColleagueSpoke() | Rated():
                    heard = discreet(incoming, self._redactors.everywhere)
                    return await self._add(tx, heard, partition=lane_of(incoming))
                case _:
                    partition, conversation = _dispatch_of(incoming)
                    incoming = discreet(incoming, self._redactors.everywhere)
                    return await self._add(tx, incoming, partition=partition, conversation=conversation)

    async def _add(
        self, tx: Transaction, incoming: Incoming, *, partition: str, conversation: str | None = None
    ) -> bool:
        return await tx.inbox.add(self._new_id(), incoming, conversation_id=conversation, partition=partition)

    async def _message(self, tx: Transaction, message: MessageReceived) -> bool:
        may_command = message.mentions_bot or message.surface is Surface.DM
        command = parse_command(message.text, addressed=message.mentions_bot) if may_command else None
        if not self._door.listens_to(message, command):
            return False
        if not message.is_root:
            case = await tx.escalations.by_card(Receipt(message.thread.channel_id, message.thread.thread_ts))
            if case is not None:
                may = await self._door.lets_into_staff_thread(tx, message, command)
                return may and await self._add(tx, message, partition=f"{STAFF_LANE}{case.id}")
        conversation = await tx.conversations.get(message.thread.id)
        message = discreet(message, self._redactor(message.thread, conversation))
        if conversation is None and not may_command:
            if self._may_be_early(message):
                raise _EarlyError("a reply came before the first message of its thread")
            return False
        if not await self._door.lets_in(tx, message, command, conversation):
            return False
        return await self._for_us(tx, message, command, conversation)

    async def _for_us(
        self, tx: Transaction, message: MessageReceived, command: Command | None, conversation: Conversation | None
    ) -> bool:
        if not isinstance(command, Quiet | AllowChannel):  # those are not the beginning of a talk
            conversation = conversation or await self._open(tx, message)
        if command is not None or conversation is None:
            return await self._add(tx, message, partition=f"command:{message.thread.id}")
        return await self._question(tx, message, conversation)

    def _redactor(self, thread: ThreadKey, conversation: Conversation | None) -> Redactor:
        return self._redactors.of(conversation.profile if conversation else self._profile_of(thread))

    def _profile_of(self, thread: ThreadKey) -> str:
        return self._profile_for.get(thread.channel_id, "support")

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
        is_ours = conversation.standing is not Standing.HUMAN and not await self._is_silent(tx, message, conversation)
        if stored and is_first and expected and is_ours:
            reader = Reader(message.user_id, message.author_team)
            await tx.outbox.add(first_sign(inbox_id, conversation, reader))
        if stored and seems_to_answer(message, conversation):
            await self._add(tx, spoke := spoken_by(message), partition=lane_of(spoke))
        return stored

    async def _is_silent(self, tx: Transaction, message: MessageReceived, conversation: Conversation) -> bool:
        """Whether the bot may not speak here now: muted, or paused by an admin."""
        if await self._door.is_quiet(tx, message, conversation):
            return True
        return await tx.bot_pauses.holding(conversation.key.team_id, conversation.key.channel_id) is not None

    async def _open(self, tx: Transaction, message: MessageReceived) -> Conversation:
        conversation = Conversation(
            key=message.thread,
            surface=message.surface,
            standing=Standing.BOT,
            owner=None,
            epoch=0,
            profile=self._profile_of(message.thread),
            prompt_version="",
            opened_by=message.user_id,
            opened_at=self._clock(),
            language=language_of(message.text),
        )
        await tx.conversations.open(conversation)
        return conversation

    async def _change(self, tx: Transaction, change: MessageEdited | MessageDeleted) -> bool:
        lane = await lane_of_change(tx, change)
        if lane is None or not lane.startswith(STAFF_LANE):
            conversation = await tx.conversations.get(change.thread.id)
            change = discreet(change, self._redactor(change.thread, conversation))
        if lane is not None:
            return await self._add(tx, change, partition=lane)
        if isinstance(change, MessageEdited):
            return await self._edit(tx, change)
        return await self._delete(tx, change)

    async def _edit(self, tx: Transaction, edit: MessageEdited) -> bool:
        """Apply an edit; the first one that turns to us is a question of its own, unless the old one still waits."""
        queued = await tx.inbox.message(edit.thread, edit.ts)
        if queued is None:
            return edit.asks_again is not None and await self._message(tx, edit.asks_again)
        if not isinstance(old := queued.incoming, MessageReceived):
            return False
        if not await self._changes.edit(tx, queued, old, edit):
            return False
        again = edit.asks_again
        if again is not None and queued.handled and not old.mentions_bot and edit.edited_at:
            return await self._ask_again(tx, queued.id, replace(again, ts=edit.edited_at))
        twin = await self._asked_as(tx, old)
        if twin is not None and isinstance(twin.incoming, MessageReceived):
            await self._changes.edit(tx, twin, twin.incoming, replace(edit, event_id=None, asks_again=None))
        return True

    async def _ask_again(self, tx: Transaction, inbox_id: str, again: MessageReceived) -> bool:
        """Store a message once more; what becomes of the old one then becomes of this one, too."""
        if await self._message(tx, replace(again, client_msg_id=None, event_id=None)):
            queued = await tx.inbox.get(inbox_id)
            if queued is not None and isinstance(queued.incoming, MessageReceived):
                await tx.inbox.replace(inbox_id, replace(queued.incoming, asked_as=again.ts), handled=True)
        return True

    async def _asked_as(self, tx: Transaction, old: MessageReceived) -> Queued | None:
        return await tx.inbox.message(old.thread, old.asked_as) if old.asked_as else None

    async def _delete(self, tx: Transaction, gone: MessageDeleted) -> bool:
        queued = await tx.inbox.message(gone.thread, gone.ts)
        if queued is None or not isinstance(queued.incoming, MessageReceived):
            return False
        twin = await self._asked_as(tx, queued.incoming)
        if not await self._changes.delete(tx, queued, queued.incoming, gone):
            return False
        if twin is not None and isinstance(twin.incoming, MessageReceived):
            await self._changes.delete(tx, twin, twin.incoming, replace(gone, event_id=None))
        return True


def _dispatch_of(incoming: Incoming) -> tuple[str, str | None]:
    """Partition and conversation of an event. Presses do not queue behind a run: they must work while it runs."""
    match incoming:
        case DecisionMade() | ProposalEdited() | QuestionAsked() | ProposalExpired():
            return f"press:{incoming.escalation_id}", None
        case LessonChosen():
            return f"lesson:{incoming.lesson_id}", None
        case FeedbackGiven():
            return f"feedback:{incoming.run_id}", None
        case MessagesTabOpened():
            return f"tab:{incoming.user_id}", None
        case HomeOpened():
            return f"home:{incoming.user_id}", None
        case CaseDue():
            return f"clock:{incoming.escalation_id}", None
        case CarryOn():
            return incoming.thread.id, incoming.thread.id
        case _:
            raise TypeError(incoming.kind)  # one of the desk's own, which do not come through the door
