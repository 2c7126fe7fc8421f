"""Questions that an answer had no source for, among those the search noted itself (`tools.knowledge_base.gaps`).

They are written in the transaction that ends the run.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.gaps import GapCause
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import insert_new
from bot.store.traces import Redact, unredacted
from tools.knowledge_base.gaps import row_of
from tools.knowledge_base.tables import gaps


class SqlGaps:
    """ports.gaps.Gaps on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE, redact: Redact = unredacted) -> None:
        self._connection = connection
        self._bounds = bounds
        self._redact = redact

    async def add(
        self, conversation_id: str, run_id: str, questions: Sequence[str], cause: GapCause, *, at: float
    ) -> None:
        self._bounds.check_conversation(conversation_id)
        if not questions or not await self._connection.run_sync(lambda plain: sa.inspect(plain).has_table(gaps.name)):
            return
        asked = [row_of(conversation_id, self._redact(question), cause, at) for question in questions]
        for number, row in enumerate({row["terms"]: row for row in asked}.values(), 1):
            await insert_new(self._connection, gaps, {"id": f"{conversation_id}/{run_id}/{number}", **row})
