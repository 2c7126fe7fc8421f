"""Table and queries of the bot's pauses: one row for each place that is paused, none for the others."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.bot_pause import EVERYWHERE as WHOLE_BOT
from bot.domain.bot_pause import BotPause
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow, insert_new
from bot.store.tables import metadata

bot_pauses = sa.Table(
    "bot_pauses",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.Text, primary_key=True),  # empty: the whole bot
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
_HOLDING = (
    sa.select(bot_pauses)
    .where(
        bot_pauses.c.team_id == sa.bindparam("team"),
        bot_pauses.c.channel_id.in_((WHOLE_BOT, sa.bindparam("channel"))),
    )
    .order_by(bot_pauses.c.channel_id)
    .limit(1)
)
"""Built once: it is asked before each step."""


class SqlBotPauses:
    """ports.money.BotPauses on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def holding(self, team_id: str, channel_id: str) -> BotPause | None:
        if not self._bounds.admits(team_id):
            return None
        row = (await self._connection.execute(_HOLDING, {"team": team_id, "channel": channel_id})).first()
        return _pause(row) if row else None

    async def all(self, team_id: str) -> list[BotPause]:
        if not self._bounds.admits(team_id):
            return []
        mine = sa.select(bot_pauses).where(bot_pauses.c.team_id == team_id)
        return [_pause(row) for row in await self._connection.execute(mine.order_by(bot_pauses.c.channel_id))]

    async def begin(self, pause: BotPause) -> bool:
        self._bounds.check(pause.team_id)
        values = {
            "team_id": pause.team_id,
            "channel_id": pause.channel_id,
            "by": pause.by,
            "at": pause.at,
            "reason": pause.reason,
        }
        return await insert_new(self._connection, bot_pauses, values)

    async def end(self, team_id: str, channel_id: str) -> BotPause | None:
        self._bounds.check(team_id)
        same = sa.and_(bot_pauses.c.team_id == team_id, bot_pauses.c.channel_id == channel_id)
        row = (await self._connection.execute(sa.delete(bot_pauses).where(same).returning(bot_pauses))).first()
        return _pause(row) if row else None


def _pause(row: AnyRow) -> BotPause:
    return BotPause(row.team_id, row.channel_id, row.by, row.at, row.reason)
