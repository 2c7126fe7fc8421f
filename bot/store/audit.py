"""Queries of the audit log. Only inserts and selects: triggers refuse nearly everything else (see migration 0018).

Entries are chained when their transaction ends, so that the chain's head, one row for each workspace, is locked for a
moment only and always as the last thing: who waits for it holds nothing that its holder waits for.
"""

import json
import secrets
from collections.abc import Callable, Collection, Iterator

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import AuditEntry
from bot.domain.audit_chain import PERSONAL, START, Seals, link
from bot.store.bounds import EVERYWHERE, Bounds
from bot.store.dialect import AnyRow, insert_new
from bot.store.tables import audit, audit_heads

_SALT_BYTES = 16


def new_salt() -> str:
    """One nobody can guess."""
    return secrets.token_hex(_SALT_BYTES)


class SqlAudit:
    """ports.store.Audit on one connection."""

    def __init__(
        self, connection: AsyncConnection, bounds: Bounds = EVERYWHERE, salt: Callable[[], str] = new_salt
    ) -> None:
        self._connection = connection
        self._bounds = bounds
        self._mine = bounds.team(audit.c.team_id)
        self._salt = salt
        self._waiting: list[AuditEntry] = []

    async def add(self, *entries: AuditEntry) -> None:
        """They are written when the transaction ends, or when it reads the log."""
        for entry in entries:
            self._bounds.check(entry.team_id)
        self._waiting += map(storable, entries)

    async def write_down(self) -> None:
        """Chain and insert what was added; to be called at the end of the transaction."""
        waiting, self._waiting = self._waiting, []
        for team_id in sorted({entry.team_id for entry in waiting}):  # in the same order everywhere
            await self._chain(team_id, [entry for entry in waiting if entry.team_id == team_id])

    async def _chain(self, team_id: str, entries: list[AuditEntry]) -> None:
        head = await lock_head(self._connection, team_id)
        number, last, rows = head.number, head.link, []
        for entry in entries:
            sealed = Seals.of(entry, self._salts())
            number += 1
            last = link(last, number, entry, sealed.seals)
            rows.append({**columns(entry), "number": number, "link": last, **columns_of(sealed)})
        await self._connection.execute(sa.insert(audit), rows)
        mine = audit_heads.c.team_id == team_id
        await self._connection.execute(sa.update(audit_heads).where(mine).values(number=number, link=last))

    async def recent(self, count: int, *, about: str = "", actions: Collection[str] = ()) -> list[AuditEntry]:
        await self.write_down()
        query = sa.select(audit).where(self._mine)
        if actions:
            query = query.where(audit.c.action.in_(actions))
        if about:
            query = query.where(sa.or_(audit.c.subject == about, audit.c.conversation_id == about))
        found = await self._connection.execute(query.order_by(audit.c.seq.desc()).limit(count))
        return [entry_of(row) for row in found]

    def _salts(self) -> Iterator[str]:
        while True:
            yield self._salt()


async def lock_head(connection: AsyncConnection, team_id: str) -> AnyRow:
    """The head of a workspace's chain; nobody else adds to the chain until the transaction ends."""
    mine = audit_heads.c.team_id == team_id
    query = sa.select(audit_heads).where(mine).with_for_update()
    head = (await connection.execute(query)).first()
    if head is None:
        await insert_new(connection, audit_heads, {"team_id": team_id, "number": 0, "link": START, "anchored": 0})
        head = (await connection.execute(query)).one()
    return head


def storable(entry: AuditEntry) -> AuditEntry:
    """PostgreSQL's text has no NUL, and a seal must hold on both databases."""
    changed = {name: getattr(entry, name).replace("\x00", "\N{REPLACEMENT CHARACTER}") for name in PERSONAL}
    return AuditEntry(entry.at, entry.team_id, action=entry.action, **changed)


def columns(entry: AuditEntry) -> dict[str, object]:
    """The columns that an entry itself fills."""
    own = {name: getattr(entry, name) for name in PERSONAL}
    return {"team_id": entry.team_id, "at": entry.at, "action": entry.action, **own}


def columns_of(sealed: Seals) -> dict[str, object]:
    """The columns that prove it."""
    return {"seals": json.dumps(dict(sealed.seals)), "salts": json.dumps(dict(sealed.salts))}


def entry_of(row: AnyRow) -> AuditEntry:
    """The entry in a row."""
    return AuditEntry(
        row.at, row.team_id, row.actor, row.action, row.subject, row.detail, row.conversation_id, row.digest,
        row.before, row.after,
    )  # fmt: skip


def seals_of(row: AnyRow) -> Seals | None:
    """What proves the row; None when it is not sealed."""
    if row.seals is None:
        return None
    return Seals(json.loads(row.seals), json.loads(row.salts or "{}"))
