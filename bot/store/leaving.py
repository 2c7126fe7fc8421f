"""What becomes of a workspace's rows when it removes the app. Its data goes later, see `bot.store.archive`."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.bounds import Bounds
from bot.store.insight.tables import sessions, sign_in_links
from bot.store.tables import inbox, outbox, runs, timers


async def close_workspace(connection: AsyncConnection, team_id: str, *, at: float) -> None:
    """Nothing of it is tried any more: timers and open causes are dropped, effects voided, runs asked to stop.

    Nobody of it stays signed in.
    """
    mine = Bounds(team_id)
    await connection.execute(sa.delete(timers).where(timers.c.team_id == team_id))
    await connection.execute(
        sa.update(inbox).where(inbox.c.team_id == team_id, inbox.c.handled_at.is_(None)).values(handled_at=at)
    )
    await connection.execute(
        sa.update(outbox)
        .where(outbox.c.team_id == team_id, outbox.c.state == "waiting")
        .values(state="voided", finished_at=at, intent_by=None, slot_at=None, error="WorkspaceLeft")
    )
    for table in (sessions, sign_in_links):
        await connection.execute(sa.delete(table).where(table.c.team_id == team_id))
    await connection.execute(
        sa.update(runs)
        .where(runs.c.outcome.is_(None), mine.conversation(runs.c.conversation_id))
        .values(stop_requested=True)
    )
