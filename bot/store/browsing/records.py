"""One conversation with everything that is kept of it."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.answer import Outcome
from bot.domain.browsing import ConversationFilter, ConversationPage, ConversationRecord, Position, RunRow
from bot.domain.conversation import Conversation, Line, Speaker
from bot.domain.escalation import Escalation
from bot.domain.handover import Rating
from bot.domain.trace import TraceEvent
from bot.store.audit import SqlAudit
from bot.store.bounds import Bounds
from bot.store.browsing.conversations import search
from bot.store.browsing.rows import rows_of
from bot.store.conversations import SqlConversations
from bot.store.engine import reading_at_length
from bot.store.escalations import escalation_of
from bot.store.handover import rating_of, ratings
from bot.store.tables import escalations, lines, runs, traces
from bot.store.traces import event_of

LINES = 300
EVENTS = 1_000
RUNS = 200
CASES = 50
ENTRIES = 100


class SqlConversationShelf:
    """ports.browsing.ConversationShelf."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def search(
        self, team_id: str, wanted: ConversationFilter, *, after: Position | None = None
    ) -> ConversationPage:
        async with reading_at_length(self._engine) as connection:
            return await search(connection, team_id, wanted, after)

    async def record(self, team_id: str, conversation_id: str) -> ConversationRecord | None:
        async with reading_at_length(self._engine) as connection:
            conversation = await SqlConversations(connection, Bounds(team_id)).get(conversation_id)
            return await _record(connection, conversation) if conversation else None

    async def version(self, team_id: str, conversation_id: str) -> int:
        """Each line and step raises it, each change of the owner and of a case."""
        async with reading_at_length(self._engine) as connection:
            conversation = await SqlConversations(connection, Bounds(team_id)).get(conversation_id)
            if conversation is None:
                return 0
            newest = (
                sa.select(sa.func.max(table.c.seq)).where(table.c.conversation_id == conversation_id).scalar_subquery()
                for table in (lines, traces)
            )
            of_cases = sa.select(sa.func.sum(escalations.c.version)).where(
                escalations.c.conversation_id == conversation_id
            )
            row = (await connection.execute(sa.select(*newest, of_cases.scalar_subquery()))).one()
            return conversation.epoch + sum(int(value or 0) for value in row)


async def _record(connection: AsyncConnection, conversation: Conversation) -> ConversationRecord:
    [row] = await rows_of(connection, [conversation])
    said, left_out = await _lines(connection, conversation.id)
    events = await _events(connection, conversation.id)
    about = Bounds(conversation.key.team_id)
    return ConversationRecord(
        row=row,
        lines=said,
        runs=await _runs(connection, conversation.id),
        events=events[-EVENTS:],
        cases=await _cases(connection, conversation.id),
        audit=tuple(await SqlAudit(connection, about).recent(ENTRIES, about=conversation.id)),
        ratings=await _ratings(connection, conversation.id),
        lines_left_out=left_out,
        is_cut=len(events) > EVENTS,
    )


async def _lines(connection: AsyncConnection, conversation_id: str) -> tuple[tuple[Line, ...], int]:
    mine = lines.c.conversation_id == conversation_id
    newest = sa.select(lines).where(mine).order_by(lines.c.seq.desc()).limit(LINES)
    found = list(reversed((await connection.execute(newest)).all()))
    count = sa.select(sa.func.count()).select_from(lines).where(mine)
    total = int(await connection.scalar(count) or 0)
    return tuple(Line(Speaker(row.speaker), row.name, row.text, row.at) for row in found), total - len(found)


async def _events(connection: AsyncConnection, conversation_id: str) -> tuple[TraceEvent, ...]:
    mine = sa.select(traces).where(traces.c.conversation_id == conversation_id)
    newest = await connection.execute(mine.order_by(traces.c.seq.desc()).limit(EVENTS + 1))
    return tuple(event_of(row) for row in reversed(newest.all()))


async def _runs(connection: AsyncConnection, conversation_id: str) -> tuple[RunRow, ...]:
    newest = sa.select(runs).where(runs.c.conversation_id == conversation_id)
    found = await connection.execute(newest.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(RUNS))
    return tuple(
        RunRow(
            row.id,
            row.user_id,
            row.started_at,
            Outcome(row.outcome) if row.outcome else None,
            row.paused_at is not None and row.outcome is None,
        )
        for row in reversed(found.all())
    )


async def _cases(connection: AsyncConnection, conversation_id: str) -> tuple[Escalation, ...]:
    newest = sa.select(escalations).where(escalations.c.conversation_id == conversation_id)
    found = await connection.execute(newest.order_by(escalations.c.opened_at.desc()).limit(CASES))
    return tuple(escalation_of(row) for row in found)


async def _ratings(connection: AsyncConnection, conversation_id: str) -> tuple[Rating, ...]:
    mine = sa.select(ratings).where(ratings.c.conversation_id == conversation_id)
    found = await connection.execute(mine.order_by(ratings.c.changed_at.desc()).limit(CASES))
    return tuple(rating_of(row) for row in found)
