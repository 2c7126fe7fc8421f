"""Deletes what is old, a few hundred rows a transaction.

Each kind of rows is walked in the order of its key, which is (nearly) the order of time, from the oldest until rows are
met that are younger than their age. Rows that something still needs are stepped over and looked at again by the next
walk. A conversation is alive while a message waits (or is parked undone), a run goes on, a case is open, a person is in
charge, or anybody has said anything that is younger than the age in question.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.budget import Period
from bot.domain.conversation import Standing
from bot.domain.escalation import State
from bot.ports.keeping import PASSING, Ages, Batch
from bot.store.audit_chain import SqlAuditChain
from bot.store.bot_pauses import bot_pauses
from bot.store.budget_asks import budget_asks, grants
from bot.store.citations import citations
from bot.store.dialect import upsert
from bot.store.engine import Writer
from bot.store.evaluations import clear_evaluations, evaluations_of
from bot.store.gates import of_conversations, of_workspace
from bot.store.handover import handbacks, ratings
from bot.store.insight.tables import OF_WORKSPACE as FIGURES
from bot.store.insight.tables import counted, uncounted
from bot.store.lessons import journal_of, lessons
from bot.store.lessons import of_conversations as lessons_of
from bot.store.recaps import recaps
from bot.store.retention import begin_night, clear_tickets, forget_night
from bot.store.tables import (
    audit,
    audit_heads,
    conversations,
    escalations,
    facts,
    inbox,
    installations,
    journal,
    ledger,
    limit_changes,
    limits,
    lines,
    outbox,
    paces,
    runs,
    timers,
    traces,
    workspaces,
)
from tools.billing.books import refunds
from tools.knowledge_base.tables import articles, bands, chunks, gaps, shelves, vectors
from tools.knowledge_base.vectors import unused_vectors
from tools.mcp.once import mcp_calls
from tools.tickets.desk import tickets
from tools.tickets.keys import ticket_keys

ROWS = 400
"""Looked at, and at most deleted, in one transaction."""
CONVERSATIONS = 20
"""Deleted in one transaction, each with some twenty rows that belong to it."""
_LOCK_ID = 4_117_301_509
"""Key of PostgreSQL's advisory lock: one process clears at a time."""
_LIVE = tuple(state.value for state in State if state.is_live)
_After = tuple[object, ...] | None
_Condition = sa.ColumnElement[bool]


class SqlArchive:
    """ports.keeping.Archive."""

    def __init__(self, write: Writer, chain: SqlAuditChain) -> None:
        self._write = write
        self._chain = chain
        self._shelves: Mapping[str, Callable[[AsyncConnection, Ages, _After], Awaitable[Batch]]] = {
            "inbox": _clear_inbox,
            "outbox": _clear_outbox,
            "journal": _clear_journal,
            "traces": _clear_traces,
            "conversations": _clear_conversations,
            "citations": _clear_citations,
            "tickets": clear_tickets,
            "ledger": _clear_ledger,
            "limit_changes": _clear_limit_changes,
            "grants": _clear_grants,
            "paces": _clear_paces,
            "evaluations": clear_evaluations,
            "kb_gaps": _clear_gaps,
        }

    @property
    def shelves(self) -> Sequence[str]:
        return tuple(self._shelves)

    async def clear(self, shelf: str, ages: Ages, after: _After) -> Batch | None:
        async with self._write() as connection:
            if connection.dialect.name == "postgresql":
                free = await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK_ID)))
                if not free:
                    return None
            return await self._shelves[shelf](connection, ages, after)

    async def begin_night(self, at: float, *, since: float) -> bool:
        async with self._write() as connection:
            return await begin_night(connection, at, since)

    async def forget_night(self) -> None:
        async with self._write() as connection:
            await forget_night(connection)

    async def anchor(self, before: float) -> int:
        return await self._chain.anchor(before)

    async def left(self, before: float) -> list[str]:
        app = installations.c
        whole = sa.and_(app.team_id == "", app.enterprise_id == workspaces.c.enterprise_id, app.enterprise_id != "")
        serves = sa.or_(app.team_id == workspaces.c.team_id, whole)
        stays = sa.exists().where(serves, sa.or_(app.revoked_at.is_(None), app.revoked_at >= before))
        gone = sa.exists().where(serves, app.revoked_at < before)
        async with self._write() as connection:
            return list(await connection.scalars(sa.select(workspaces.c.team_id).where(gone, ~stays)))

    async def delete_workspace(self, team_id: str) -> int:
        total = 0
        removing = f"removing:{team_id}"  # lets the audit log go, too
        async with self._write() as connection:  # the tools' tables are made by the first bot that runs
            there = set(await connection.run_sync(lambda plain: sa.inspect(plain).get_table_names()))
            await connection.execute(upsert(connection, facts, {"name": removing, "value": "begun"}))
        for table, whose in _of_workspace(team_id):
            deleted = ROWS if table.name in there else 0
            while deleted == ROWS:
                async with self._write() as connection:
                    keys = list(table.primary_key.columns)
                    found = (await connection.execute(sa.select(*keys).where(whose).limit(ROWS))).all()
                    deleted = await _delete(connection, table, [tuple(row) for row in found])
                total += deleted
        async with self._write() as connection:
            if refunds.name in there:
                await connection.execute(_only_amounts(team_id))
            await connection.execute(sa.delete(facts).where(facts.c.name == removing))
        return total


def _only_amounts(team_id: str) -> sa.Update:
    """Of refunds only what must be known so that nothing is given back twice; no words, no place."""
    mine = sa.func.substr(refunds.c.conversation_id, 1, len(team_id) + 1) == f"{team_id}:"
    return sa.update(refunds).where(mine).values(reason="", conversation_id="")


def _of_workspace(team_id: str) -> list[tuple[sa.Table, _Condition]]:
    """Every table with rows of a workspace, and which rows those are; what is needed to find others goes last.

    Approvals of MCP tools (`mcp_pins`) belong to the installation, not to a workspace, and are kept for ever; calls of
    theirs (`mcp_calls`, no words of anybody) are forgotten by `tools.mcp.once` after forty days.
    """
    prefix = f"{team_id}:"

    def inside(column: sa.Column[str]) -> _Condition:
        return sa.func.substr(column, 1, len(prefix)) == prefix

    run_ids = sa.select(runs.c.id).where(inside(runs.c.conversation_id))
    live = sa.exists().where(installations.c.team_id == team_id, installations.c.revoked_at.is_(None))
    logs = (audit, audit_heads)
    owned = (*logs, bot_pauses, timers, outbox, inbox, escalations, ledger, limits, limit_changes, conversations)
    return [
        (journal, journal.c.run_id.in_(run_ids)),
        journal_of(escalations.c.team_id == team_id),
        *of_workspace(team_id),
        *evaluations_of(team_id),
        *(
            (table, inside(table.c.conversation_id))
            for table in (handbacks, ratings, traces, lines, recaps, runs, tickets, ticket_keys, gaps, mcp_calls)
        ),
        *((table, table.c.team_id == team_id) for table in (*owned, budget_asks, grants, citations, lessons, *FIGURES)),
        (paces, sa.func.substr(paces.c.key, 1, len(team_id) + 1) == f"{team_id}|"),
        (workspaces, sa.and_(workspaces.c.team_id == team_id, ~live)),  # somebody may be installing the app again
        (installations, sa.and_(installations.c.team_id == team_id, installations.c.revoked_at.is_not(None))),
        *((t, sa.func.substr(t.c.slug, 1, len(team_id) + 2) == f".{team_id}/") for t in (chunks, articles)),
        *((t, t.c.shelf == f".{team_id}/") for t in (bands, shelves)),
        (vectors, unused_vectors()),
        (counted, inside(counted.c.id)),
        (uncounted, inside(uncounted.c.conversation_id)),  # last: triggers note what happens to the others
    ]


async def _clear_inbox(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    """What was parked and is not done stays for operators for ever; what was ended honestly, as long as its talk."""
    parked_long_ago = sa.or_(inbox.c.parked_at.is_(None), inbox.c.parked_at < min(ages.conversations, ages.events))
    done = sa.and_(inbox.c.handled_at < ages.events, parked_long_ago)
    return await _walk(
        connection, inbox, inbox.c.received_at, ages.events, after,
        sa.and_(done, _quiet_or_none(inbox.c.conversation_id, ages.events)),
    )  # fmt: skip


async def _clear_outbox(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    """Cards stay as long as their cases: somebody may answer under one. Failures stay for operators to see.

    What was told of a limit stays as long as its costs, so that nobody is told twice in a period.
    """
    later = outbox.alias("later")
    needed = sa.exists().where(
        later.c.state == sa.literal_column("'waiting'"),
        sa.or_(later.c.edits == outbox.c.key, later.c.under == outbox.c.key),
    )
    has_case = sa.exists().where(escalations.c.conversation_id == outbox.c.conversation_id)
    done = sa.or_(
        sa.and_(
            sa.or_(outbox.c.state.in_(("delivered", "voided")), outbox.c.kind.in_(PASSING)),
            outbox.c.state != "waiting",
            outbox.c.finished_at < ages.events,
        ),
        sa.and_(outbox.c.state == "failed", outbox.c.finished_at < min(ages.conversations, ages.events)),
    )
    is_card = sa.and_(outbox.c.kind == "card", outbox.c.edits.is_(None), has_case)
    is_told = sa.and_(outbox.c.key.startswith("alert:"), outbox.c.finished_at >= ages.costs)
    quiet = _quiet_or_none(outbox.c.conversation_id, ages.events)
    old = sa.and_(done, ~is_card, ~is_told, quiet, ~needed)
    return await _walk(connection, outbox, outbox.c.created_at, ages.events, after, old)


async def _clear_journal(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    going_on = sa.exists().where(runs.c.id == journal.c.run_id, runs.c.outcome.is_(None))
    old = sa.and_(journal.c.at < ages.events, ~going_on)
    return await _walk(connection, journal, journal.c.at, ages.events, after, old)


async def _clear_traces(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    old = sa.and_(traces.c.at < ages.traces, _quiet(traces.c.conversation_id, ages.traces))
    return await _walk(connection, traces, traces.c.at, ages.traces, after, old)


async def _clear_citations(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    at = citations.c.at
    return await _walk(connection, citations, at, ages.conversations, after, at < ages.conversations)


async def _clear_ledger(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    """What a kept conversation cost stays with it: its own limit has no period."""
    kept = sa.exists().where(conversations.c.id == ledger.c.conversation_id)
    old = sa.and_(ledger.c.at < ages.costs, ledger.c.state != "reserved", ~kept)
    return await _walk(connection, ledger, ledger.c.at, ages.costs, after, old)


async def _clear_limit_changes(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    at = limit_changes.c.at
    return await _walk(connection, limit_changes, at, ages.costs, after, at < ages.costs)


async def _clear_grants(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    """What was granted to a run or a conversation stays with it, for good: its limit has no period."""
    old = sa.and_(grants.c.at < ages.costs, grants.c.period != Period.TOTAL.value)
    return await _walk(connection, grants, grants.c.at, ages.costs, after, old)


async def _clear_paces(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    """A key that nothing was called on for so long is as good as none."""
    idle = sa.and_(paces.c.tat < ages.events, paces.c.closed_until < ages.events)
    window = sa.select(paces.c.key).where(idle, _behind(sa.tuple_(paces.c.key), after))
    found = (await connection.execute(window.order_by(paces.c.key).limit(ROWS))).all()
    deleted = await _delete(connection, paces, [tuple(row) for row in found])
    return Batch(deleted, tuple(found[-1]) if len(found) == ROWS else None)


async def _clear_gaps(connection: AsyncConnection, ages: Ages, _: _After) -> Batch:
    """They hold what customers asked, so they go with the traces. A bot makes the table before it clears anything."""
    if not await connection.run_sync(lambda plain: sa.inspect(plain).has_table(gaps.name)):
        return Batch(0, None)
    old = list(await connection.scalars(sa.select(gaps.c.id).where(gaps.c.at < ages.traces).limit(ROWS)))
    deleted = await _delete(connection, gaps, [(one,) for one in old])
    return Batch(deleted, (old[-1],) if deleted == ROWS else None)


async def _clear_conversations(connection: AsyncConnection, ages: Ages, after: _After) -> Batch:
    """Whole conversations, with all that has no meaning without them."""
    position = sa.tuple_(conversations.c.opened_at, conversations.c.id)
    window = sa.select(conversations.c.opened_at, conversations.c.id).where(
        conversations.c.opened_at < ages.conversations, _behind(position, after)
    )
    # Locked before they are looked at: who opens an old thread again right now goes first, and we step over it.
    rows = await connection.execute(
        window.order_by(conversations.c.opened_at, conversations.c.id)
        .limit(CONVERSATIONS)
        .with_for_update(skip_locked=True)
    )
    found = rows.all()
    ids = [row.id for row in found]
    quiet = sa.select(conversations.c.id).where(
        conversations.c.id.in_(ids), _quiet(conversations.c.id, ages.conversations)
    )
    gone = list(await connection.scalars(quiet)) if ids else []
    deleted = 0
    if gone:
        old_runs = list(await connection.scalars(sa.select(runs.c.id).where(runs.c.conversation_id.in_(gone))))
        for table, whose in (
            (journal, journal.c.run_id.in_(old_runs)),
            *of_conversations(gone),
            (lines, lines.c.conversation_id.in_(gone)),
            (recaps, recaps.c.conversation_id.in_(gone)),
            (handbacks, handbacks.c.conversation_id.in_(gone)),
            (ratings, ratings.c.conversation_id.in_(gone)),
            lessons_of(gone),
            (escalations, escalations.c.conversation_id.in_(gone)),
            (runs, runs.c.conversation_id.in_(gone)),
            (timers, timers.c.conversation_id.in_(gone)),
            (budget_asks, budget_asks.c.conversation_id.in_(gone)),
            *((table, table.c.subject.in_((*gone, *old_runs))) for table in (limits, grants)),
            (conversations, conversations.c.id.in_(gone)),
        ):
            deleted += max((await connection.execute(sa.delete(table).where(whose))).rowcount, 0)
    return Batch(deleted, tuple(found[-1]) if len(found) == CONVERSATIONS else None)


async def _walk(
    connection: AsyncConnection,
    table: sa.Table,
    at: sa.Column[float],
    before: float,
    after: _After,
    old: _Condition,
) -> Batch:
    """Delete what is `old` among the next rows; the end is reached where all are younger than `before`."""
    keys = list(table.primary_key.columns)
    window = sa.select(*keys, at.label("at_"), old.label("old_")).where(_behind(sa.tuple_(*keys), after))
    found = (await connection.execute(window.order_by(*keys).limit(ROWS))).all()
    deleted = await _delete(connection, table, [tuple(row[: len(keys)]) for row in found if row.old_])
    goes_on = len(found) == ROWS and min(row.at_ for row in found) < before
    return Batch(deleted, tuple(found[-1][: len(keys)]) if goes_on else None)


def _behind(position: sa.Tuple, after: _After) -> _Condition:
    if after is None:
        return sa.true()
    return position > sa.tuple_(*(sa.literal(value) for value in after))


async def _delete(connection: AsyncConnection, table: sa.Table, found: Sequence[tuple[Any, ...]]) -> int:
    """By key, as many statements at once: SQLite's run in a thread then, so that the event loop goes on."""
    if not found:
        return 0
    keys = list(table.primary_key.columns)
    same = (column == sa.bindparam(f"key_{column.name}") for column in keys)
    values = [{f"key_{column.name}": value for column, value in zip(keys, row, strict=True)} for row in found]
    await connection.execute(sa.delete(table).where(*same), values)
    return len(found)


def _quiet_or_none(conversation_id: sa.Column[str | None], before: float) -> _Condition:
    return sa.or_(conversation_id.is_(None), _quiet(conversation_id, before))


def _quiet(conversation_id: sa.Column[Any], before: float) -> _Condition:
    """Nothing goes on in the conversation, and nobody has said anything since `before`."""
    waiting, run, case = inbox.alias("waiting"), runs.alias("going_on"), escalations.alias("live")
    line, held = lines.alias("said"), conversations.alias("held")
    return sa.and_(
        *(
            ~sa.exists().where(other.c[name] == conversation_id, still)
            for other, name, still in (
                (held, "id", held.c.standing == Standing.HUMAN.value),
                (run, "conversation_id", run.c.outcome.is_(None)),
                (case, "conversation_id", case.c.state.in_(_LIVE)),
                (waiting, "conversation_id", waiting.c.handled_at.is_(None)),
                (line, "conversation_id", line.c.at >= before),
            )
        )
    )
