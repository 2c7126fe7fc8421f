"""What a conversation left behind, read in one go; and whether anything of it is still under way."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.aftermath import Aftermath, LeftCase, LeftRefund, LeftTicket
from bot.domain.money import from_micro
from bot.store.ledger import SPEND, spend_of
from bot.store.tables import conversations, escalations, inbox, ledger, outbox, runs
from bot.store.traces import SqlTraces
from tools.billing.books import refunds
from tools.tickets.desk import tickets

_OPEN_CAUSES = (
    sa.select(sa.func.count())
    .select_from(inbox)
    .where(
        sa.or_(inbox.c.conversation_id == sa.bindparam("id"), inbox.c.conversation_id.is_(None)),
        inbox.c.handled_at.is_(None),
        inbox.c.parked_at.is_(None),
    )
)
_OPEN_EFFECTS = (
    sa.select(sa.func.count())
    .select_from(outbox)
    .where(
        sa.or_(outbox.c.conversation_id == sa.bindparam("id"), outbox.c.conversation_id.is_(None)),
        outbox.c.state == "waiting",
    )
)
_IS_BUSY = sa.select(_OPEN_CAUSES.scalar_subquery() + _OPEN_EFFECTS.scalar_subquery() > 0)
"""Built once: it is asked many times a second."""


async def is_under_way(connection: AsyncConnection, conversation_id: str) -> bool:
    """Whether a message of it is not handled, or an effect of it not delivered.

    What belongs to no conversation (a press, a typed command, a card) counts, too: it may be about this one.
    """
    return bool(await connection.scalar(_IS_BUSY, {"id": conversation_id}))


async def aftermath(connection: AsyncConnection, conversation_id: str) -> Aftermath:
    """Everything that is known of one conversation."""
    spend_query = sa.select(*SPEND).where(ledger.c.conversation_id == conversation_id)
    spend = spend_of((await connection.execute(spend_query)).one())
    version = sa.select(conversations.c.prompt_version).where(conversations.c.id == conversation_id)
    return Aftermath(
        runs=await _runs(connection, conversation_id),
        cases=await _cases(connection, conversation_id),
        tickets=await _tickets(connection, conversation_id),
        refunds=await _refunds(connection, conversation_id),
        trace=tuple(await SqlTraces(connection).of_conversation(conversation_id)),
        cards=await _cards(connection, conversation_id),
        prompt_version=str(await connection.scalar(version) or ""),
        cost=spend.usd,
        usage=spend.usage,
        steps=spend.steps,
    )


async def _runs(connection: AsyncConnection, conversation_id: str) -> tuple[tuple[str, str], ...]:
    query = sa.select(runs.c.id, runs.c.outcome).where(runs.c.conversation_id == conversation_id)
    found = await connection.execute(query.order_by(runs.c.started_at, runs.c.id))
    return tuple((row.id, row.outcome or "") for row in found)


async def _cases(connection: AsyncConnection, conversation_id: str) -> tuple[LeftCase, ...]:
    table = escalations.c
    query = sa.select(escalations).where(table.conversation_id == conversation_id).order_by(table.opened_at)
    return tuple(
        LeftCase(row.id, row.origin, row.reason, row.summary, row.team or "", row.staff_channel, row.state)
        for row in await connection.execute(query)
    )


async def _tickets(connection: AsyncConnection, conversation_id: str) -> tuple[LeftTicket, ...]:
    query = sa.select(tickets).where(tickets.c.conversation_id == conversation_id).order_by(tickets.c.number)
    found = await connection.execute(query)
    return tuple(LeftTicket(row.number, row.customer_email, row.subject, row.body) for row in found)


async def _refunds(connection: AsyncConnection, conversation_id: str) -> tuple[LeftRefund, ...]:
    query = sa.select(refunds).where(refunds.c.conversation_id == conversation_id).order_by(refunds.c.number)
    found = await connection.execute(query)
    return tuple(LeftRefund(row.customer_email, from_micro(row.amount_micro)) for row in found)


async def _cards(connection: AsyncConnection, conversation_id: str) -> tuple[tuple[str, str], ...]:
    table = outbox.c
    query = sa.select(table.receipt_channel, table.receipt_ts).where(
        table.conversation_id == conversation_id, table.kind == "card", table.receipt_ts.is_not(None)
    )
    found = await connection.execute(query.order_by(table.seq))
    return tuple(dict.fromkeys((row.receipt_channel, row.receipt_ts) for row in found))
