"""Whether somebody from outside asks or reads along: then only the external tool set is used, and no internal article.

Outside are people of other organisations, guests and other bots, and everybody in a channel that is shared with another
organisation. Known from the event itself and from what earlier events of the channel said; nothing is cached.
"""

from collections.abc import Sequence

from bot.domain.conversation import Conversation
from bot.domain.incoming import MessageReceived
from bot.domain.principal import Principal, Role
from bot.ports.store import Queued, Transaction


async def has_outsiders(tx: Transaction, conversation: Conversation, asker: Principal, rows: Sequence[Queued]) -> bool:
    """For one turn of a conversation."""
    if asker.role in (Role.EXTERNAL, Role.AGENT):
        return True
    messages = (row.incoming for row in rows if isinstance(row.incoming, MessageReceived))
    if any(message.is_shared or message.is_guest or message.is_foreign for message in messages):
        return True
    key = conversation.key
    return await tx.gates.shared_channel(key.team_id, key.channel_id) is not None
