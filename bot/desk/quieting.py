"""`mute`, `unmute`, `allow channel`: typed by people, carried out without a model, confirmed in a whisper, recorded."""

from collections.abc import Mapping
from dataclasses import replace

import prompts
from bot.desk.commands import AllowChannel, Quiet
from bot.desk.people import People
from bot.desk.waking import wake_paused
from bot.domain.audit import AuditEntry
from bot.domain.conversation import Conversation, Surface, ThreadKey
from bot.domain.effects import Outgoing, Place, Whisper
from bot.domain.gate import Mute, SharedChannel
from bot.domain.incoming import MessageReceived
from bot.domain.interruption import StopWhy
from bot.ports.clock import Clock, NewId
from bot.ports.store import Queued, Store, Transaction

_UNITS = (("for_day", "for_days", 86_400), ("for_hour", "for_hours", 3_600), ("for_minute", "for_minutes", 60))
"""Names of the sentences for one and for several, and seconds."""


class Quieting:
    """Mutes threads and channels, and opens shared channels."""

    def __init__(self, store: Store, people: People, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._new_id = new_id
        self._sentences = prompts.sentences()

    async def run(
        self, queued: Queued, message: MessageReceived, command: Quiet | AllowChannel, *, about: ThreadKey
    ) -> None:
        """Carry a command out; whoever may not reads why, and nobody else reads anything.

        `about`: the customer's thread, also when it is typed under a card.
        """
        wish = replace(message, thread=about)
        is_admin = self._is_admin(message)
        is_staff = is_admin or await self._is_staff(message)
        async with self._store.write() as tx:
            if isinstance(command, AllowChannel):
                told = await self._allow(tx, wish, command, is_admin=is_admin)
            else:
                told = await self._quiet(tx, wish, command, is_staff=is_staff)
            thread = message.thread
            place = Place(thread.team_id, thread.channel_id, None if message.is_root else thread.thread_ts)
            effect = Whisper(place, message.user_id, told)
            await tx.outbox.add(Outgoing(f"quiet:{queued.id}", effect, f"whisper:{thread.team_id}:{message.user_id}"))
            await tx.inbox.mark_handled([queued.id])

    async def _quiet(self, tx: Transaction, message: MessageReceived, wish: Quiet, *, is_staff: bool) -> str:
        conversation = await tx.conversations.get(message.thread.id)
        words = prompts.sentences(conversation.language if conversation else "")
        is_dm = message.surface is Surface.DM
        if wish.channel and not (is_staff or is_dm):
            return words["mute_needs_staff"]
        if not (is_staff or is_dm or _is_own(message, conversation)):
            return words["mute_not_yours"]
        return await (self._mute if wish.is_on else self._unmute)(tx, message, wish, words)

    async def _mute(self, tx: Transaction, message: MessageReceived, wish: Quiet, words: Mapping[str, str]) -> str:
        team, now = message.thread.team_id, self._clock()
        until = now + wish.seconds if wish.seconds is not None else None
        await tx.gates.mute(Mute(team, _subject(message, wish), message.user_id, now, until))
        for conversation_id in await self._muted_by(tx, message, wish):
            await tx.runs.request_stop(conversation_id, StopWhy.MUTED)
            await wake_paused(tx, conversation_id, self._new_id())
        recorded = _how_long(wish.seconds, prompts.sentences()).strip()
        await self._record(tx, message, f"{_kind(wish)}.mute", _subject(message, wish), recorded)
        done = words["mute_channel_done" if wish.channel else "mute_thread_done"]
        return done.format(how_long=_how_long(wish.seconds, words))

    @staticmethod
    async def _muted_by(tx: Transaction, message: MessageReceived, wish: Quiet) -> list[str]:
        """Conversations whose work ends with a mute."""
        key = message.thread
        return await tx.runs.open_in(key.team_id, key.channel_id) if wish.channel else [key.id]

    async def _unmute(self, tx: Transaction, message: MessageReceived, wish: Quiet, words: Mapping[str, str]) -> str:
        lifted = await tx.gates.unmute(message.thread.team_id, _subject(message, wish))
        if lifted:
            await self._record(tx, message, f"{_kind(wish)}.unmute", _subject(message, wish))
        left = await tx.gates.muted(message.thread.id, self._clock())
        if left is not None:
            return words["muted_channel" if left.is_of_channel else "muted_thread"]
        return words["unmuted" if lifted else "not_muted"]

    async def _allow(self, tx: Transaction, message: MessageReceived, wish: AllowChannel, *, is_admin: bool) -> str:
        if not is_admin:
            return self._sentences["shared_admins"]
        team, channel = message.thread.team_id, message.thread.channel_id
        if not message.is_shared and await tx.gates.shared_channel(team, channel) is None:  # it may stand under a card
            return self._sentences["shared_is_not"]
        await tx.gates.allow(SharedChannel(team, channel, wish.is_on, message.user_id, self._clock()))
        await self._record(tx, message, f"channel.{'allow' if wish.is_on else 'disallow'}", channel)
        return self._sentences["shared_allowed" if wish.is_on else "shared_disallowed"]

    async def _record(
        self, tx: Transaction, message: MessageReceived, action: str, subject: str, how: str = ""
    ) -> None:
        about = message.thread.id if subject == message.thread.id else ""
        entry = AuditEntry(self._clock(), message.thread.team_id, message.user_id, action, subject, how, about)
        await tx.audit.add(entry)

    def _is_admin(self, message: MessageReceived) -> bool:
        is_one_of_us = message.bot_id is None and not message.is_guest
        return is_one_of_us and self._people.is_admin(message.author_team, message.user_id)

    async def _is_staff(self, message: MessageReceived) -> bool:
        if message.bot_id is not None or message.is_guest:
            return False
        return await self._people.why_not_staff(message.author_team, message.user_id) is None


def _is_own(message: MessageReceived, conversation: Conversation | None) -> bool:
    """Whether a thread is that of whoever writes."""
    if conversation is None:
        return message.is_root
    return (message.user_id, message.bot_id) == (conversation.opened_by, None)


def _subject(message: MessageReceived, wish: Quiet) -> str:
    return message.thread.channel_id if wish.channel else message.thread.id


def _kind(wish: Quiet) -> str:
    return "channel" if wish.channel else "thread"


def _how_long(seconds: float | None, words: Mapping[str, str]) -> str:
    """A time as people say it; empty without an end."""
    if seconds is None:
        return ""
    for one, several, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return words[one if count == 1 else several].format(count=count)
    return words["for_minutes"].format(count=max(1, round(seconds / 60)))
