"""In which language a customer is spoken to: that of their words, else the one spoken so far, else that of their Slack.

A short message, a name or a code says nothing, and a single word does not change the language of a conversation. What
staff and other bots write in a customer's thread does not count.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.conversation import Conversation
from bot.domain.incoming import MessageReceived
from bot.domain.language import LIKELY, language_of
from bot.domain.principal import Principal, Role
from bot.ports.store import Queued, Transaction


async def learn_language(
    tx: Transaction, conversation: Conversation, rows: Sequence[Queued], asker: Principal
) -> Conversation:
    """The conversation as it is spoken from these messages on; remembered when that is new."""
    is_helper = asker.is_staff and asker.user_id != conversation.opened_by
    if is_helper or asker.role is Role.AGENT:
        return conversation
    words = "\n".join(row.incoming.text for row in rows if isinstance(row.incoming, MessageReceived))
    language = spoken(words, conversation.language, asker.language)
    if language != conversation.language:
        await tx.conversations.speak(conversation.id, language)
    return replace(conversation, language=language)


def spoken(words: str, before: str, by_slack: str) -> str:
    """The language after somebody has said something; empty when nothing tells."""
    likely, hint = language_of(words, LIKELY), language_of(words)
    if likely:
        return likely
    if hint == "zh" and "ja" in (before, by_slack):
        return "ja"  # a few Chinese signs are Japanese as well
    return hint if hint and (not before or hint == by_slack) else before or by_slack
