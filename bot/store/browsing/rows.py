"""What a list tells of each conversation beside its own row: a few queries for all of them together."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.answer import Outcome
from bot.domain.browsing import ConversationRow
from bot.domain.budget import Spend
from bot.domain.conversation import Conversation, Speaker, Standing
from bot.domain.reports import TalkState
from bot.domain.trace import Action
from bot.store.browsing.conditions import LIVE, THUMBS, last_outcome
from bot.store.dialect import AnyRow
from bot.store.handover import ratings
from bot.store.ledger import SPEND, spend_of
from bot.store.tables import conversations, escalations, ledger, lines, traces

BEGINNING = 160
"""Characters of the first message."""
_NAMES = {Standing.HUMAN: TalkState.PERSON, Standing.CLOSED: TalkState.CLOSED}


async def rows_of(connection: AsyncConnection, found: Sequence[Conversation]) -> tuple[ConversationRow, ...]:
    """One row for each, in order."""
    ids = [one.id for one in found]
    if not ids:
        return ()
    firsts, outcomes = await first_lines(connection, ids), await _outcomes(connection, ids)
    spent, cases = await _spent(connection, ids), await _cases(connection, ids)
    stars, thumbs = await _stars(connection, ids), await _thumbs(connection, ids)
    return tuple(
        ConversationRow(
            conversation=one,
            state=_state(one, is_waiting=cases.get(one.id, (0, 0))[1] > 0),
            customer=firsts[one.id].name if one.id in firsts else "",
            beginning=firsts[one.id].text if one.id in firsts else "",
            spend=spent.get(one.id, Spend()),
            outcome=outcomes.get(one.id),
            cases=cases.get(one.id, (0, 0))[0],
            stars=stars.get(one.id),
            liked=thumbs[one.id, THUMBS[0]],
            disliked=thumbs[one.id, THUMBS[1]],
        )
        for one in found
    )


def _state(one: Conversation, *, is_waiting: bool) -> TalkState:
    return _NAMES.get(one.standing, TalkState.WAITING if is_waiting else TalkState.BOT)


async def first_lines(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, AnyRow]:
    """The first message of the customer of each, cut, with the name they had then."""
    of_customer = sa.and_(lines.c.conversation_id.in_(ids), lines.c.speaker == Speaker.CUSTOMER.value)
    first = sa.select(sa.func.min(lines.c.seq)).where(of_customer).group_by(lines.c.conversation_id)
    text = sa.func.substr(lines.c.text, 1, BEGINNING + 1).label("text")
    query = sa.select(lines.c.conversation_id, lines.c.name, text).where(lines.c.seq.in_(first))
    return {row.conversation_id: row for row in await connection.execute(query)}


async def _outcomes(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, Outcome]:
    query = sa.select(conversations.c.id, last_outcome().label("outcome")).where(conversations.c.id.in_(ids))
    return {row.id: Outcome(row.outcome) for row in await connection.execute(query) if row.outcome}


async def _spent(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, Spend]:
    mine = sa.select(ledger.c.conversation_id, *SPEND).where(ledger.c.conversation_id.in_(ids))
    rows = await connection.execute(mine.group_by(ledger.c.conversation_id))
    return {row.conversation_id: spend_of(row) for row in rows}


async def _cases(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """(all, live) by conversation."""
    live = sa.func.sum(sa.case((escalations.c.state.in_(LIVE), 1), else_=0)).label("live")
    query = sa.select(escalations.c.conversation_id, sa.func.count().label("all"), live)
    rows = await connection.execute(
        query.where(escalations.c.conversation_id.in_(ids)).group_by(escalations.c.conversation_id)
    )
    return {row.conversation_id: (row.all, int(row.live)) for row in rows}


async def _stars(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, int]:
    query = sa.select(ratings.c.conversation_id, ratings.c.stars).where(ratings.c.conversation_id.in_(ids))
    rows = await connection.execute(query.order_by(ratings.c.changed_at))
    return {row.conversation_id: row.stars for row in rows}


async def _thumbs(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """How often each thumb was shown."""
    is_thumb = sa.and_(traces.c.action == Action.DECISION.value, traces.c.name.in_(THUMBS))
    mine = sa.select(traces.c.conversation_id, traces.c.name).where(traces.c.conversation_id.in_(ids), is_thumb)
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for row in await connection.execute(mine):
        counted[row.conversation_id, row.name] += 1
    return counted
