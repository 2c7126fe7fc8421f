"""Orders of which nobody knows whether they led to a ticket, and that nobody has made again: for operators."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from tools.database import fetch
from tools.tickets.keys import SENT, ticket_keys
from tools.tickets.vendor import mark_of

SHOWN_DAYS = 30
"""Afterwards nobody will look any more."""
_GRACE_SECONDS = 600.0
"""For whoever made the order to make it again, or to find its ticket."""
_MOST = 100


@dataclass(frozen=True, slots=True)
class Doubt:
    """One such order."""

    desk: str
    """Which ticket system, as `github:acme/support`."""
    mark: str
    """What its ticket can be found by there."""
    conversation_id: str
    sent_at: float


async def doubts(engine: AsyncEngine, now: float) -> tuple[Doubt, ...]:
    """The newest first; ToolUnavailableError when the database does not answer."""
    query = (
        sa.select(ticket_keys.c.desk, ticket_keys.c.key, ticket_keys.c.conversation_id, ticket_keys.c.sent_at)
        .where(
            ticket_keys.c.state == SENT,
            ticket_keys.c.sent_at < now - _GRACE_SECONDS,
            ticket_keys.c.sent_at > now - SHOWN_DAYS * 86_400,
        )
        .order_by(ticket_keys.c.sent_at.desc(), ticket_keys.c.key)
        .limit(_MOST)
    )
    return tuple(
        Doubt(row.desk, mark_of(row.key), row.conversation_id, row.sent_at) for row in await fetch(engine, query)
    )
