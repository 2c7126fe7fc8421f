"""The audit log only grows: the database itself refuses to change or delete an entry, except with its workspace."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.domain.audit import AuditEntry
from bot.store.store import SqlStore
from tests.contract.store_kit import KINDS, NOW, THREAD, database, open_store

DEED = AuditEntry(NOW, "T1", "U1", "case.edit", "E1", "why", THREAD.id, "d1", "old", "new")
LATER = AuditEntry(NOW + 1, "T1", "", "case.expire", "E2")


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database(request.param, tmp_path) as url, open_store(url) as opened:
        async with opened.write() as tx:
            await tx.audit.add(DEED, LATER)
        yield opened


async def refused(store: SqlStore, statement: str) -> None:
    """The database does not do that."""

    async def attempt() -> None:
        async with store.write() as tx:
            await tx.connection.execute(sa.text(statement))

    with pytest.raises(DBAPIError, match="append-only"):
        await attempt()


async def test_entries_are_told_newest_first_and_by_what_they_are_about(store: SqlStore) -> None:
    async with store.read() as tx:
        assert await tx.audit.recent(10) == [LATER, DEED]
        assert await tx.audit.recent(1) == [LATER]
        assert await tx.audit.recent(1, actions=("case.edit", "case.deny")) == [DEED]
        assert await tx.audit.recent(10, about="E1") == await tx.audit.recent(10, about=THREAD.id) == [DEED]


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set actor = 'U9'",
        "delete from audit",
        "delete from audit where seq = 1",
        "update audit set detail = '' where seq = 1",
    ],
)
async def test_no_entry_can_be_changed_or_deleted(store: SqlStore, statement: str) -> None:
    await refused(store, statement)
    async with store.read() as tx:
        assert await tx.audit.recent(10) == [LATER, DEED]


async def test_entries_go_with_their_workspace_and_others_stay(store: SqlStore) -> None:
    other = AuditEntry(NOW, "T2", "U2", "limit.set", "T2")
    async with store.write() as tx:
        await tx.audit.add(other)
    await store.delete_workspace("T1")
    async with store.read() as tx:
        assert await tx.audit.recent(10) == [other]
    async with store.write() as tx:
        await tx.audit.add(DEED)
    await refused(store, "delete from audit where team_id = 'T1'")
