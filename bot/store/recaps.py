"""Summaries of long conversations: their table and queries. They go when their conversation goes.

Each takes in the one before; that stays for the case that a line behind it is changed or taken back.
"""

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
    # transcript_lines.seq of the last line it covers
    sa.Column("upto", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
)


class SqlRecaps:
    """ports.recaps.Recaps on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def get(self, conversation_id: str) -> Recap:
        if not self._bounds.holds(conversation_id):
            return NO_RECAP
        query = sa.select(recaps).where(recaps.c.conversation_id == conversation_id).order_by(recaps.c.upto.desc())
        row = (await self._connection.execute(query.limit(1))).first()
        return Recap(row.text, row.notes, row.upto) if row else NO_RECAP

    async def keep(self, conversation_id: str, recap: Recap) -> bool:
        self._bounds.check_conversation(conversation_id)
        if (await self.get(conversation_id)).upto >= recap.upto:
            return False
        values = {"upto": recap.upto, "text": recap.text, "notes": recap.notes}
        return await insert_new(self._connection, recaps, {"conversation_id": conversation_id, **values})

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


async def forget_recap(connection: AsyncConnection, conversation_id: str, place: sa.ScalarSelect[int]) -> None:
    """A line is changed or taken back: a summary that covers it is made anew by the next turn."""
    covers = sa.and_(recaps.c.conversation_id == conversation_id, recaps.c.upto >= place)
    await connection.execute(sa.delete(recaps).where(covers))
