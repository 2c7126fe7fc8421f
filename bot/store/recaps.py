"""Summaries of long conversations: their table and queries. They go when their conversation goes."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.conversation import Line, Speaker
from bot.domain.recap import NO_RECAP, Recap
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import insert_new
from bot.store.tables import lines, metadata

recaps = sa.Table(
    "recaps",
    metadata,
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("upto", sa.BigInteger, nullable=False),  # transcript_lines.seq of the last line it covers
)


class SqlRecaps:
    """ports.recaps.Recaps on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def get(self, conversation_id: str) -> Recap:
        if not self._bounds.holds(conversation_id):
            return NO_RECAP
        query = sa.select(recaps).where(recaps.c.conversation_id == conversation_id)
        row = (await self._connection.execute(query)).first()
        return Recap(row.text, row.notes, row.upto) if row else NO_RECAP

    async def keep(self, conversation_id: str, recap: Recap) -> bool:
        self._bounds.check_conversation(conversation_id)
        values = {"text": recap.text, "notes": recap.notes, "upto": recap.upto}
        if await insert_new(self._connection, recaps, {"conversation_id": conversation_id, **values}):
            return True
        changed = await self._connection.execute(
            sa.update(recaps)
            .where(recaps.c.conversation_id == conversation_id, recaps.c.upto < recap.upto)
            .values(values)
        )
        return changed.rowcount == 1

    async def lines_after(self, conversation_id: str, place: int, most: int) -> list[tuple[int, Line]]:
        if not self._bounds.holds(conversation_id):
            return []
        rows = await self._connection.execute(
            sa.select(lines)
            .where(lines.c.conversation_id == conversation_id, lines.c.seq > place)
            .order_by(lines.c.seq.desc())
            .limit(most)
        )
        return [(row.seq, Line(Speaker(row.speaker), row.name, row.text, row.at)) for row in reversed(rows.all())]


async def forget_recap(connection: AsyncConnection, conversation_id: str) -> None:
    """A line was changed or taken back: what was made of it is made anew by the next turn."""
    await connection.execute(sa.delete(recaps).where(recaps.c.conversation_id == conversation_id))
