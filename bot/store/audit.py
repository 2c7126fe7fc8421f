"""Queries of the audit log. Only inserts and selects: triggers refuse everything else (see migration 0008)."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import AuditEntry
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow
from bot.store.tables import audit


class SqlAudit:
    """ports.store.Audit on one connection."""

    def __init__(self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE) -> None:
        self._connection = connection
        self._bounds = bounds
        self._mine = bounds.team(audit.c.team_id)

    async def add(self, *entries: AuditEntry) -> None:
        for entry in entries:
            self._bounds.check(entry.team_id)
        rows = [
            {
                "team_id": entry.team_id,
                "at": entry.at,
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "conversation_id": entry.conversation_id,
                "detail": entry.detail,
                "digest": entry.digest,
                "before": entry.before,
                "after": entry.after,
            }
            for entry in entries
        ]
        if rows:
            await self._connection.execute(sa.insert(audit), rows)

    async def recent(self, count: int, *, about: str = "", actions: Collection[str] = ()) -> list[AuditEntry]:
        query = sa.select(audit).where(self._mine)
        if actions:
            query = query.where(audit.c.action.in_(actions))
        if about:
            query = query.where(sa.or_(audit.c.subject == about, audit.c.conversation_id == about))
        found = await self._connection.execute(query.order_by(audit.c.seq.desc()).limit(count))
        return [_entry(row) for row in found]


def _entry(row: AnyRow) -> AuditEntry:
    return AuditEntry(
        row.at, row.team_id, row.actor, row.action, row.subject, row.detail, row.conversation_id, row.digest,
        row.before, row.after,
    )  # fmt: skip
