"""Which way an event goes that is not (only) a question to the bot, as far as the door can tell by itself."""

import re

from bot.domain.conversation import Conversation, Standing, Surface, ThreadKey
from bot.domain.effects import Receipt
from bot.domain.incoming import ColleagueSpoke, MessageDeleted, MessageEdited, MessageReceived, Rated, Reacted
from bot.ports.store import Transaction

STAFF_LANE = "staff:"
"""Begins the partition of what is written under a case's card; its words are passed on as they are."""
NOTE_MARK = "//"
"""A reply under a card that begins so stays there; in a customer's thread it does not make its author the owner."""
NOTE_EMOJI = frozenset({"lock", "no_entry", "no_entry_sign", "shushing_face", "zipper_mouth_face"})
"""Put on a reply under a card by its author, it makes a note of it: what was carried over is taken back."""
_MENTIONED = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")


def seems_to_answer(message: MessageReceived, conversation: Conversation) -> bool:
    """Whether a message in a thread may be a colleague's answer to its customer."""
    named = _MENTIONED.findall(message.text)
    return (
        conversation.surface is Surface.CHANNEL
        and conversation.standing is Standing.BOT
        and not (message.is_root or message.mentions_bot or message.bot_id)
        and message.user_id != conversation.opened_by
        and not message.text.startswith(NOTE_MARK)
        and (not named or conversation.opened_by in named)
    )


def spoken_by(message: MessageReceived) -> ColleagueSpoke:
    """The second cause of such a message: it is handled beside the conversation's run, not behind it."""
    mark = f"spoke:{message.thread.channel_id}:{message.ts}"
    return ColleagueSpoke(message.thread, message.ts, message.user_id, message.author_team, mark)


async def lane_of_change(tx: Transaction, change: MessageEdited | MessageDeleted) -> str | None:
    """Partition in which an edit or deletion follows words that were carried; None when it is about a question."""
    stored = await tx.inbox.message(change.thread, change.ts)
    if stored is None or not isinstance(stored.incoming, MessageReceived):
        return None
    if isinstance(change, MessageEdited) and stored.incoming.user_id != change.user_id:
        return None
    if stored.conversation_id is None:
        case = await tx.escalations.by_card(Receipt(change.thread.channel_id, change.thread.thread_ts))
        return f"{STAFF_LANE}{case.id}" if case else None
    conversation = await tx.conversations.get(stored.conversation_id)
    is_mirrored = stored.handled and conversation is not None and conversation.standing is Standing.HUMAN
    return f"mirror:{stored.conversation_id}" if is_mirrored else None


async def lane_of_reaction(tx: Transaction, reacted: Reacted) -> str | None:
    """Partition in which a reaction is handled; None when it means nothing to us."""
    if reacted.name not in NOTE_EMOJI:
        return None
    stored = await tx.inbox.message(ThreadKey(reacted.team_id, reacted.channel_id, ""), reacted.ts)
    if stored is None or stored.conversation_id is not None or not isinstance(stored.incoming, MessageReceived):
        return None
    case = await tx.escalations.by_card(Receipt(reacted.channel_id, stored.incoming.thread.thread_ts))
    return f"{STAFF_LANE}{case.id}" if case else None


def lane_of(cause: ColleagueSpoke | Rated) -> str:
    """Partition of what stands alone."""
    return f"rated:{cause.case_id}" if isinstance(cause, Rated) else f"spoke:{cause.thread.id}"
