"""The signs by which a customer sees that something is being done: the live line and the native status."""

from collections.abc import Sequence

import prompts
from bot.domain.conversation import Conversation, Surface
from bot.domain.effects import Outgoing, Place, Reader, Remove, Session, SetSession, ShowLive
from bot.ports.store import Queued, Transaction


def live_key(inbox_id: str) -> str:
    """Outbox key of the live line that the message of this id brought about."""
    return f"live:{inbox_id}"


def first_sign(inbox_id: str, conversation: Conversation, reader: Reader) -> Outgoing:
    """The live line: the first visible sign of work. In a DM it brings the native status with it."""
    text = prompts.sentences(conversation.language)["live_first"]
    one = reader if conversation.surface is Surface.DM else None
    live = ShowLive(place_of(conversation), text, reader=one, language=conversation.language)
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
    return Outgoing(removal_key(key), Remove(place_of(conversation)), conversation.id, conversation.id, edits=key)


def removal_key(key: str) -> str:
    """Outbox key of that, also when it is somebody's words that are taken away."""
    return f"remove:{key}"
