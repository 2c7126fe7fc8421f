"""Reads the rows figures are counted from, for some conversations at once."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.conversation import Speaker
from bot.domain.trace import Action
from bot.store.dialect import AnyRow
from bot.store.handover import handbacks, ratings
from bot.store.insight.counting import Run, Sources
from bot.store.tables import conversations, escalations, inbox, ledger, lines, runs, traces
from bot.store.usage import USAGE_COLUMNS

_Rows = dict[str, list[Any]]
_AT_ONCE = 500
"""Keys in one query; SQLite takes some thousand."""


async def read_sources(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Sources]:
    """By conversation; those that are there no more are missing."""
    kept = (await connection.execute(sa.select(conversations).where(conversations.c.id.in_(ids)))).all()
    begun = await _of(connection, ids, _RUNS)
    numbered = {cid: [_run(row) for row in rows] for cid, rows in begun.items()}
    received = await _received(connection, [one for rows in numbered.values() for run in rows for one in run.inbox_ids])
    cases, rated = await _of(connection, ids, _CASES), await _of(connection, ids, _RATINGS)
    paid, traced = await _of(connection, ids, _LEDGER), await _of(connection, ids, _TRACES)
    helped = set(await _of(connection, ids, _PEOPLE)) | set(await _of(connection, ids, _HANDBACKS))
    return {
        row.id: Sources(
            row, numbered.get(row.id, []), cases[row.id], rated[row.id], paid[row.id], traced[row.id], received,
            row.id in helped,
        )
        for row in kept
    }  # fmt: skip


def _run(row: AnyRow) -> Run:
    return Run(row.id, tuple(json.loads(row.inbox_ids)), row.started_at, row.outcome)


_WANTED: sa.BindParameter[list[str]] = sa.bindparam("ids", expanding=True)
_RUNS = (
    sa.select(runs.c.conversation_id, runs.c.id, runs.c.inbox_ids, runs.c.started_at, runs.c.outcome)
    .where(runs.c.conversation_id.in_(_WANTED))
    .order_by(runs.c.started_at, runs.c.id)
)
_CASES = sa.select(escalations.c.conversation_id, escalations.c.origin, escalations.c.state).where(
    escalations.c.conversation_id.in_(_WANTED)
)
_RATINGS = sa.select(ratings.c.conversation_id, ratings.c.stars, ratings.c.rated_at).where(
    ratings.c.conversation_id.in_(_WANTED)
)
_LEDGER = sa.select(
    *(ledger.c[name] for name in ("conversation_id", "run_id", "name", "state", "charged", "at", *USAGE_COLUMNS))
).where(ledger.c.conversation_id.in_(_WANTED))
_COUNTED = (Action.TOOL_CALL.value, Action.DELIVERY.value)
_TRACES = (
    sa.select(
        *(
            traces.c[name]
            for name in (
                "conversation_id", "run_id", "action", "name", "at", "duration_ms", "ok", "error", "ref",
            )
        )
    )
    .where(
        traces.c.conversation_id.in_(_WANTED),
        sa.or_(traces.c.action.in_(_COUNTED), traces.c.name.in_(("thumbs_up", "thumbs_down"))),
    )
    .order_by(traces.c.seq)
)  # fmt: skip
_PEOPLE = (
    sa.select(lines.c.conversation_id)
    .where(lines.c.conversation_id.in_(_WANTED), lines.c.speaker == Speaker.PERSON.value)
    .distinct()
)
_HANDBACKS = sa.select(handbacks.c.conversation_id).where(handbacks.c.conversation_id.in_(_WANTED))


async def _of(connection: AsyncConnection, ids: Sequence[str], query: sa.Select[Any]) -> _Rows:
    found: _Rows = defaultdict(list)
    for row in await connection.execute(query, {"ids": list(ids)}):
        found[row.conversation_id].append(row)
    return found


async def _received(connection: AsyncConnection, inbox_ids: Sequence[str]) -> dict[str, float]:
    """When messages came in; other causes are nobody's question."""
    found: dict[str, float] = {}
    for start in range(0, len(inbox_ids), _AT_ONCE):
        some = list(inbox_ids[start : start + _AT_ONCE])
        query = sa.select(inbox.c.id, inbox.c.received_at).where(inbox.c.id.in_(some), inbox.c.kind == "message")
        found |= {row.id: row.received_at for row in await connection.execute(query)}
    return found
