"""Sums of the ledger for people to look at: per scope, per day, per conversation."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.budget import Scope
from bot.domain.conversation import Conversation
from bot.domain.money import from_micro
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.conversations import conversation_of
from bot.store.tables import conversations, ledger

_COLUMN: dict[Scope, sa.Column[str]] = {
    Scope.WORKSPACE: ledger.c.team_id,
    Scope.CHANNEL: ledger.c.channel_id,
    Scope.USER: ledger.c.user_id,
}


class SqlSpending:
    """ports.money.Spending on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def since(
        self, team_id: str, subjects: Mapping[Scope, str], starts: Sequence[float]
    ) -> dict[Scope, tuple[Decimal, ...]]:
        """One query for all: whoever asks waits for an answer within Slack's three seconds."""
        sums = [
            _sum(sa.and_(_COLUMN[scope] == subject, ledger.c.at >= start))
            for scope, subject in subjects.items()
            for start in starts
        ]
        found = await self._sums(team_id, min(starts), sums)
        return {
            scope: tuple(found[number * len(starts) : (number + 1) * len(starts)])
            for number, scope in enumerate(subjects)
        }

    async def between(self, team_id: str, starts: Sequence[float]) -> list[Decimal]:
        ends = [*starts[1:], None]
        sums = [
            _sum(ledger.c.at >= start if end is None else sa.and_(ledger.c.at >= start, ledger.c.at < end))
            for start, end in zip(starts, ends, strict=True)
        ]
        return await self._sums(team_id, starts[0], sums)

    async def begun_by(self, team_id: str, user_id: str, count: int) -> list[Conversation]:
        if not self._bounds.admits(team_id):
            return []
        mine = sa.select(conversations).where(conversations.c.team_id == team_id, conversations.c.opened_by == user_id)
        rows = await self._connection.execute(mine.order_by(conversations.c.opened_at.desc()).limit(count))
        return [conversation_of(row) for row in rows]

    async def _sums(self, team_id: str, since: float, sums: Sequence[sa.ColumnElement[int]]) -> list[Decimal]:
        if not self._bounds.admits(team_id):
            return [Decimal(0)] * len(sums)
        query = sa.select(*sums).where(ledger.c.team_id == team_id, ledger.c.at >= since)
        row = (await self._connection.execute(query)).one()
        return [from_micro(int(value or 0)) for value in row]


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, ledger.c.charged), else_=0))
