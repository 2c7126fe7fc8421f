"""Whether an event may come in at all: asked at the door, before anything is stored, shown or spent.

Other bots come in when they are on the list and turn to us, and not too often. A channel shared with another
organisation stays closed until an admin has allowed it; everything about it is read from the event and the database,
never from a cache. What a mute keeps out is stored all the same, see `bot.desk.turns`.
"""

from collections.abc import Mapping

import prompts
from bot.desk.commands import AllowChannel, Command, Handoff
from bot.desk.people import People
from bot.desk.signs import place_of
from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.effects import Outgoing, Place, ShowNotice, Whisper
from bot.domain.gate import PAIR_EVENTS, SharedChannel
from bot.domain.incoming import MessageReceived
from bot.domain.language import language_of
from bot.ports.clock import Clock
from bot.ports.store import Transaction


class Door:
    """Lets messages in or keeps them out, inside the caller's transaction."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._sentences = prompts.sentences()

    def listens_to(self, message: MessageReceived, command: Command | None) -> bool:
        """Whether its author may speak to us: every person; a bot on the list with a handoff or a question."""
        if message.bot_id is None:
            return True
        if not self._people.is_allowed_bot(message.bot_id, message.user_id):
            return False
        return isinstance(command, Handoff) or (command is None and message.mentions_bot)

    async def lets_into_staff_thread(self, tx: Transaction, message: MessageReceived, command: Command | None) -> bool:
        """Whether a reply under a card is one of staff's, as far as the event tells."""
        if message.bot_id is not None:
            return command is not None
        if not (message.is_foreign or message.is_guest):
            return True
        await self._whisper(tx, message, f"{message.ts}:card", self._sentences["not_staff"])
        return False

    async def lets_in(
        self, tx: Transaction, message: MessageReceived, command: Command | None, conversation: Conversation | None
    ) -> bool:
        """Whether a message that is for us may come in."""
        if message.is_shared and not await self._is_allowed(tx, message, command):
            return False
        return message.bot_id is None or await self._is_bearable(tx, message, message.bot_id, conversation)

    async def is_quiet(self, tx: Transaction, message: MessageReceived, conversation: Conversation) -> bool:
        """Whether the conversation is muted; whoever turns to us all the same is told, once per mute."""
        mute = await tx.gates.muted(conversation.id, self._clock())
        if mute is None:
            return False
        turns_to_us = message.mentions_bot or message.surface is Surface.DM
        if turns_to_us and message.bot_id is None and conversation.standing is not Standing.HUMAN:
            text = prompts.sentences(conversation.language)["muted_channel" if mute.is_of_channel else "muted_thread"]
            await self._whisper(tx, message, f"muted:{mute.at:.3f}", text)
        return True

    async def _is_allowed(self, tx: Transaction, message: MessageReceived, command: Command | None) -> bool:
        team, channel = message.thread.team_id, message.thread.channel_id
        known = await tx.gates.shared_channel(team, channel)
        if known is not None and known.is_allowed:
            return True
        if known is None:
            known = SharedChannel(team, channel, is_allowed=False, at=self._clock())
            await tx.gates.ask_about(known)
            await self._tell_staff(tx, message, f"shared:{channel}", "shared_ask")
        if isinstance(command, AllowChannel):
            return True
        if message.bot_id is None and (message.mentions_bot or message.surface is Surface.DM):
            await self._whisper(tx, message, f"shared:{known.at:.3f}", _in_their(message)["shared_closed"])
        return False

    async def _is_bearable(
        self, tx: Transaction, message: MessageReceived, bot_id: str, conversation: Conversation | None
    ) -> bool:
        if await tx.inbox.message(message.thread, message.ts) is not None:
            return True  # a twin: it is dropped when it is stored
        thread = message.thread
        pair = _new_threads(thread) if message.is_root else thread.id
        turn = await tx.gates.count_bot(pair, bot_id, self._clock())
        if turn.count <= PAIR_EVENTS:
            return True
        if turn.is_last_straw:
            key = f"often:{pair}:{bot_id}:{turn.paused_until:.0f}"
            if conversation is not None and conversation.standing is not Standing.HUMAN:
                notice = ShowNotice(place_of(conversation), prompts.sentences(conversation.language)["bot_too_often"])
                await tx.outbox.add(Outgoing(key, notice, conversation.id, conversation.id, conversation.epoch))
            await self._tell_staff(tx, message, key, "bot_too_often_staff")
        return False

    async def _tell_staff(self, tx: Transaction, message: MessageReceived, key: str, sentence: str) -> None:
        team, channel = message.thread.team_id, f"<#{message.thread.channel_id}>"
        text = self._sentences[sentence].format(channel=channel, bot=f"<@{message.user_id}>")
        notice = ShowNotice(Place(team, self._people.staff_channel), text)
        await tx.outbox.add(Outgoing(f"gate:{team}:{key}", notice, f"staff:alerts:{team}"))

    async def _whisper(self, tx: Transaction, message: MessageReceived, key: str, text: str) -> None:
        thread = message.thread
        place = Place(thread.team_id, thread.channel_id, None if message.is_root else thread.thread_ts)
        key = f"whisper:{thread.team_id}:{thread.channel_id}:{message.user_id}:{key}"
        effect = Whisper(place, message.user_id, text)
        await tx.outbox.add(Outgoing(key, effect, f"whisper:{thread.team_id}:{message.user_id}"))


def _in_their(message: MessageReceived) -> Mapping[str, str]:
    """The sentences in the language a message is written in."""
    return prompts.sentences(language_of(message.text))


def _new_threads(thread: ThreadKey) -> str:
    """All threads that a bot begins in a channel count as one, or a new one each time would get it around its limit."""
    return ThreadKey(thread.team_id, thread.channel_id, "new").id
