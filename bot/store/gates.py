"""Tables and queries of the gates at the door: few rows, each found by its key."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.conversation import ThreadKey
from bot.domain.gate import PAIR_EVENTS, PAIR_SECONDS, PAUSE_SECONDS, BotTurn, Mute, SharedChannel
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import insert_new, upsert
from bot.store.tables import metadata

mutes = sa.Table(
    "mutes",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),  # id of a conversation or of a channel
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("until", sa.Double),  # null: until it is lifted
)
shared_channels = sa.Table(
    "shared_channels",
    metadata,
    sa.Column("team_id", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.Text, primary_key=True),
    sa.Column("is_allowed", sa.Boolean, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)
bot_turns = sa.Table(
    "bot_turns",
    metadata,
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("bot_id", sa.Text, primary_key=True),
    sa.Column("began_at", sa.Double, nullable=False),  # of the window that is counted
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("paused_until", sa.Double, nullable=False),
)
_MUTED = (
    sa.select(mutes)
    .where(
        mutes.c.team_id == sa.bindparam("team"),
        mutes.c.subject.in_((sa.bindparam("conversation"), sa.bindparam("channel"))),
        sa.or_(mutes.c.until.is_(None), mutes.c.until > sa.bindparam("now")),
    )
    .order_by(sa.func.length(mutes.c.subject))
    .limit(1)
)
"""Built once: it is asked for every message. A channel's mute comes before that of one of its threads."""


class SqlGates:
    """ports.gates.Gates on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def mute(self, mute: Mute) -> None:
        self._bounds.check(mute.team_id)
        row: dict[str, object] = {
            "team_id": mute.team_id,
            "subject": mute.subject,
            "by": mute.by,
            "at": mute.at,
            "until": mute.until,
        }
        await self._connection.execute(upsert(self._connection, mutes, row))

    async def unmute(self, team_id: str, subject: str) -> bool:
        self._bounds.check(team_id)
        same = sa.and_(mutes.c.team_id == team_id, mutes.c.subject == subject)
        return bool((await self._connection.execute(sa.delete(mutes).where(same))).rowcount)

    async def muted(self, conversation_id: str, at: float) -> Mute | None:
        if not self._bounds.holds(conversation_id):
            return None
        key = ThreadKey.parse(conversation_id)
        values = {"team": key.team_id, "conversation": conversation_id, "channel": key.channel_id, "now": at}
        row = (await self._connection.execute(_MUTED, values)).first()
        return Mute(row.team_id, row.subject, row.by, row.at, row.until) if row else None

    async def shared_channel(self, team_id: str, channel_id: str) -> SharedChannel | None:
        if not self._bounds.admits(team_id):
            return None
        same = sa.and_(shared_channels.c.team_id == team_id, shared_channels.c.channel_id == channel_id)
        row = (await self._connection.execute(sa.select(shared_channels).where(same))).first()
        return SharedChannel(row.team_id, row.channel_id, row.is_allowed, row.by, row.at) if row else None

    async def ask_about(self, channel: SharedChannel) -> bool:
        self._bounds.check(channel.team_id)
        return await insert_new(self._connection, shared_channels, _row(channel))

    async def allow(self, channel: SharedChannel) -> None:
        self._bounds.check(channel.team_id)
        await self._connection.execute(upsert(self._connection, shared_channels, _row(channel)))

    async def count_bot(self, conversation_id: str, bot_id: str, at: float) -> BotTurn:
        self._bounds.check_conversation(conversation_id)
        insert = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        first = {"conversation_id": conversation_id, "bot_id": bot_id, "began_at": at, "count": 1, "paused_until": 0.0}
        row = bot_turns.c
        is_over = sa.and_(row.began_at <= at - PAIR_SECONDS, row.paused_until <= at)
        count = sa.case((is_over, 1), else_=row.count + 1)
        statement = insert(bot_turns).values(first)
        statement = statement.on_conflict_do_update(
            index_elements=[row.conversation_id, row.bot_id],
            set_={
                "began_at": sa.case((is_over, at), else_=row.began_at),
                "count": count,
                "paused_until": sa.case((count == PAIR_EVENTS + 1, at + PAUSE_SECONDS), else_=row.paused_until),
            },
        )
        found = (await self._connection.execute(statement.returning(row.count, row.paused_until))).one()
        return BotTurn(found[0], found[1])


def of_workspace(team_id: str) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """The rows of a workspace, for the archive."""
    inside = sa.func.substr(bot_turns.c.conversation_id, 1, len(team_id) + 1) == f"{team_id}:"
    return [
        (mutes, mutes.c.team_id == team_id),
        (shared_channels, shared_channels.c.team_id == team_id),
        (bot_turns, inside),
    ]


def of_conversations(ids: list[str]) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """The rows that have no meaning without these conversations."""
    return [(mutes, mutes.c.subject.in_(ids)), (bot_turns, bot_turns.c.conversation_id.in_(ids))]


def _row(channel: SharedChannel) -> dict[str, object]:
    return {
        "team_id": channel.team_id,
        "channel_id": channel.channel_id,
        "is_allowed": channel.is_allowed,
        "by": channel.by,
        "at": channel.at,
    }
