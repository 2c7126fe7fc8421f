"""Hand-backs and ratings: their tables and queries."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.handover import CHANGEABLE_SECONDS, Handback, Rating
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow, insert_new
from bot.store.tables import metadata

handbacks = sa.Table(
    "handbacks",
    metadata,
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("began_at", sa.Double, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("done", sa.Text, nullable=False),
    sa.Column("next_step", sa.Text, nullable=False),
    sa.Column("briefed", sa.Boolean, nullable=False, server_default=sa.false()),  # the agent was told what happened
)

ratings = sa.Table(
    "ratings",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("stars", sa.Integer, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("rated_at", sa.Double, nullable=False),
    sa.Column("changed_at", sa.Double, nullable=False),
    sa.Index("ix_ratings_changed", "changed_at"),
    sa.Index("ix_ratings_conversation", "conversation_id"),
)


class SqlHandbacks:
    """ports.handover.Handbacks on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds

    async def add(self, handback: Handback) -> None:
        self._bounds.check_conversation(handback.conversation_id)
        columns = [column.name for column in handbacks.columns if column.name != "briefed"]
        await insert_new(self._connection, handbacks, {name: getattr(handback, name) for name in columns})

    async def of_epoch(self, conversation_id: str, epoch: int) -> Handback | None:
        if not self._bounds.holds(conversation_id):
            return None
        row = (await self._connection.execute(sa.select(handbacks).where(*_that(conversation_id, epoch)))).first()
        return _handback(row) if row else None

    async def claim_briefing(self, conversation_id: str, epoch: int) -> bool:
        self._bounds.check_conversation(conversation_id)
        changed = await self._connection.execute(
            sa.update(handbacks)
            .where(*_that(conversation_id, epoch), handbacks.c.briefed.is_(False))
            .values(briefed=True)
        )
        return changed.rowcount == 1


class SqlRatings:
    """ports.handover.Ratings on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds
        self._mine = bounds.conversation(ratings.c.conversation_id)

    async def rate(self, rating: Rating) -> Rating | None:
        self._bounds.check_conversation(rating.conversation_id)
        values = {column.name: getattr(rating, column.name) for column in ratings.columns}
        if await insert_new(self._connection, ratings, values):
            return rating
        changed = await self._connection.execute(
            sa.update(ratings)
            .where(
                ratings.c.case_id == rating.case_id,
                ratings.c.rated_at > rating.changed_at - CHANGEABLE_SECONDS,
                self._mine,
            )
            .values(stars=rating.stars, comment=rating.comment, changed_at=rating.changed_at)
            .returning(ratings)
        )
        row = changed.first()
        return rating_of(row) if row else None

    async def of_case(self, case_id: str) -> Rating | None:
        query = sa.select(ratings).where(ratings.c.case_id == case_id, self._mine)
        row = (await self._connection.execute(query)).first()
        return rating_of(row) if row else None

    async def since(self, at: float) -> list[Rating]:
        query = sa.select(ratings).where(ratings.c.changed_at >= at, self._mine)
        found = await self._connection.execute(query.order_by(ratings.c.changed_at.desc(), ratings.c.case_id))
        return [rating_of(row) for row in found]


def _that(conversation_id: str, epoch: int) -> tuple[sa.ColumnElement[bool], ...]:
    return handbacks.c.conversation_id == conversation_id, handbacks.c.epoch == epoch


def _handback(row: AnyRow) -> Handback:
    return Handback(
        row.conversation_id, row.epoch, row.by, row.name, row.reason, row.began_at, row.at, row.done, row.next_step
    )


def rating_of(row: AnyRow) -> Rating:
    """The rating in a row."""
    return Rating(row.case_id, row.conversation_id, row.user_id, row.stars, row.comment, row.rated_at, row.changed_at)
