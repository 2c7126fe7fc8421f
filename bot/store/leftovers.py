"""Everything that some conversations left in the database, for whoever checks afterwards whether the promises held."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import from_micro
from bot.store.tables import conversations, escalations, inbox, ledger, limits, outbox, runs, traces
from tools.billing.books import refunds
from tools.tickets.desk import tickets

_OURS = "sample:%"
"""Keys of tickets that were there before."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that came in."""

    id: str
    message_key: str
    """team:channel:ts; empty when it is no message."""
    conversation_id: str
    is_handled: bool
    is_parked: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that was to be shown."""

    key: str
    state: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the trace."""

    conversation_id: str
    run_id: str
    action: str
    name: str
    ref: str
    """Name in the journal."""
    is_good: bool
    error: str


@dataclass(frozen=True, slots=True)
class Charge:
    """A row of the ledger."""

    conversation_id: str
    run_id: str
    name: str
    user_id: str
    channel_id: str
    team_id: str
    state: str
    usd: Decimal
    tokens: int


@dataclass(frozen=True, slots=True)
class SetLimit:
    """A limit somebody has set."""

    scope: str
    subject: str
    period: str
    usd: Decimal


@dataclass(frozen=True, slots=True)
class MadeRefund:
    """Money that was given back."""

    email: str
    usd: Decimal
    conversation_id: str


@dataclass(frozen=True, slots=True)
class OpenedTicket:
    """A ticket that was opened."""

    email: str
    subject: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class PutCase:
    """A case that was put before people."""

    id: str
    conversation_id: str
    state: str
    tool: str
    """Of a proposed call; empty when there is none."""
    arguments: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The rows, in the order in which they were written."""

    causes: Sequence[Cause]
    effects: Sequence[Effect]
    runs: Sequence[tuple[str, str, str]]
    """(id, conversation, outcome); the outcome is empty while it goes on."""
    steps: Sequence[Step]
    charges: Sequence[Charge]
    limits: Sequence[SetLimit]
    refunds: Sequence[MadeRefund]
    tickets: Sequence[OpenedTicket]
    cases: Sequence[PutCase]
    conversations: Sequence[str]


async def leftovers(connection: AsyncConnection) -> Leftovers:
    """All rows; for databases as small as an evaluation's."""
    return Leftovers(
        causes=[_cause(row) for row in await connection.execute(sa.select(inbox).order_by(inbox.c.order_ts))],
        effects=[
            Effect(row.key, row.state, row.conversation_id or "")
            for row in await connection.execute(sa.select(outbox).order_by(outbox.c.seq))
        ],
        runs=[
            (row.id, row.conversation_id, row.outcome or "")
            for row in await connection.execute(sa.select(runs).order_by(runs.c.started_at))
        ],
        steps=[_step(row) for row in await connection.execute(sa.select(traces).order_by(traces.c.seq))],
        charges=[_charge(row) for row in await connection.execute(sa.select(ledger).order_by(ledger.c.at))],
        limits=[
            SetLimit(row.scope, row.subject, row.period, from_micro(row.usd))
            for row in await connection.execute(sa.select(limits))
        ],
        refunds=[
            MadeRefund(row.customer_email, from_micro(row.amount_micro), row.conversation_id)
            for row in await connection.execute(sa.select(refunds).order_by(refunds.c.number))
        ],
        tickets=[
            OpenedTicket(row.customer_email, row.subject, row.conversation_id)
            for row in await connection.execute(sa.select(tickets).where(tickets.c.key.not_like(_OURS)))
        ],
        cases=[
            _case(row) for row in await connection.execute(sa.select(escalations).order_by(escalations.c.opened_at))
        ],
        conversations=[row.id for row in await connection.execute(sa.select(conversations.c.id))],
    )


def _cause(row: sa.Row[Any]) -> Cause:
    return Cause(
        row.id, row.message_key or "", row.conversation_id or "", row.handled_at is not None,
        row.parked_at is not None, row.first_error,
    )  # fmt: skip


def _step(row: sa.Row[Any]) -> Step:
    return Step(row.conversation_id, row.run_id, row.action, row.name, row.ref, bool(row.ok), row.error)


def _charge(row: sa.Row[Any]) -> Charge:
    return Charge(
        row.conversation_id, row.run_id, row.name, row.user_id, row.channel_id, row.team_id, row.state,
        from_micro(row.charged), row.counted,
    )  # fmt: skip


def _case(row: sa.Row[Any]) -> PutCase:
    call = (json.loads(row.proposal) if row.proposal else {}).get("call") or {}
    return PutCase(
        row.id, row.conversation_id, row.state, str(call.get("tool", "")), str(call.get("arguments", "")),
        row.decided_by,
    )  # fmt: skip
