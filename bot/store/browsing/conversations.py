"""Looks through the conversations of a workspace.

Behind a position, conversations are looked at from the newest on, and only so many of them: the moment where the search
ends is found first, on the index alone. So a search for a rare word costs no more than one for a frequent one.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.browsing import ConversationFilter, ConversationPage, Position
from bot.store.browsing.conditions import conditions
from bot.store.browsing.rows import rows_of
from bot.store.conversations import conversation_of
from bot.store.dialect import AnyRow
from bot.store.tables import conversations

PAGE = 50
LOOKED_AT = 50_000
"""Conversations in one search, when the row of the conversation itself answers."""
LOOKED_INTO = 15_000
"""When other rows of it must be read."""
LOOKED_THROUGH = 10_000
"""When its transcript must."""
_BY_AGE = (conversations.c.opened_at.desc(), conversations.c.id.desc())


async def search(
    connection: AsyncConnection, team_id: str, wanted: ConversationFilter, after: Position | None, *, most: int = 0
) -> ConversationPage:
    """One page. `most`: look at no more conversations than this; 0: as many as the filter's cost allows."""
    behind = [conversations.c.team_id == team_id, *_behind(after)]
    if wanted.until is not None:
        behind.append(conversations.c.opened_at < wanted.until)
    end = await _end(connection, behind, most or _most(wanted))
    reach = conversations.c.opened_at >= end if end is not None else sa.true()
    query = sa.select(conversations).where(*behind, reach, *conditions(wanted))
    found = (await connection.execute(query.order_by(*_BY_AGE).limit(PAGE + 1))).all()
    shown = [conversation_of(row) for row in found[:PAGE]]
    rows = await rows_of(connection, shown)
    if len(found) > PAGE:
        return ConversationPage(rows, Position(shown[-1].opened_at, shown[-1].id))
    if end is None or (wanted.since is not None and wanted.since >= end):
        return ConversationPage(rows)
    return ConversationPage(rows, Position(end), looked_back_to=end)


def _most(wanted: ConversationFilter) -> int:
    if wanted.words:
        return LOOKED_THROUGH
    costly = (wanted.state, wanted.outcome, wanted.cost_over, wanted.escalated, wanted.opinion)
    return LOOKED_AT if all(one is None for one in costly) else LOOKED_INTO


def _behind(after: Position | None) -> Sequence[sa.ColumnElement[bool]]:
    if after is None:
        return []
    earlier = conversations.c.opened_at < after.at
    if not after.id:
        return [earlier]
    same = sa.and_(conversations.c.opened_at == after.at, conversations.c.id < after.id)
    return [conversations.c.opened_at <= after.at, sa.or_(earlier, same)]


async def _end(connection: AsyncConnection, behind: Sequence[sa.ColumnElement[bool]], most: int) -> float | None:
    """When the last conversation that is looked at was opened; None when all can be."""
    opened = sa.select(conversations.c.opened_at).where(*behind).order_by(conversations.c.opened_at.desc())
    row: AnyRow | None = (await connection.execute(opened.offset(most).limit(1))).first()
    return row.opened_at if row else None
